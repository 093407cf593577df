"""The operations of `/soap/provisioning`: what each gives, and that it is what `/v1` gives."""

from typing import ClassVar
from uuid import UUID

import pytest

from acs_bridge.domain.actor import Role
from tests.web.operator.soap.conftest import basic, envelope

BOX = (
    "<a:Gateway><a:Oui>00236a</a:Oui><a:ProductClass>SR400</a:ProductClass><a:SerialNumber>S-1</a:SerialNumber>"
    "</a:Gateway>"
)
OTHER_BOX = BOX.replace("S-1", "S-2")
REPLACE = "<a:ReplaceExisting>true</a:ReplaceExisting>"
NOBODY_HAS_IT = "00000000-0000-7000-8000-000000000000"


def provision(code="C-1", line="L-1", *, name="Ann", more=""):
    subscriber = f"<a:Subscriber><a:Name>{name}</a:Name><a:Code>{code}</a:Code></a:Subscriber>"
    return f"<a:Provision>{subscriber}<a:LineOfService>{line}</a:LineOfService>{more}</a:Provision>"


def by_line(operation, line="L-1"):
    return f"<a:{operation}><a:LineOfService>{line}</a:LineOfService></a:{operation}>"


class TestOneByOne:
    async def test_the_three_steps_are_those_of_v1(self, bss, intake):
        made = await bss.ask("<a:CreateSubscriber><a:Name>Ann Ö</a:Name><a:Code>C-1</a:Code></a:CreateSubscriber>")
        assert (made.status, made.text("a:CreateSubscriberResponse/a:Subscriber/a:Lines")) == (200, "0"), made.reply
        assert (await intake.get("/v1/subscribers/C-1")).json["name"] == "Ann Ö"
        made = await bss.ask(f"<a:CreateDevice><a:LineOfService>L-1</a:LineOfService>{BOX}</a:CreateDevice>")
        assert made.text("a:CreateDeviceResponse/a:Device/a:Gateway/a:Oui") == "00236A", made.reply
        pair = "<a:SubscriberCode>c-1</a:SubscriberCode><a:LineOfService>L-1</a:LineOfService>"
        first, again = [await bss.ask(f"<a:Associate>{pair}</a:Associate>") for _ in range(2)]
        assert [each.text("a:AssociateResponse/a:Created") for each in (first, again)] == ["true", "false"]
        path = "a:AssociateResponse/a:Association"
        assert first.text(f"{path}/a:Id") == again.text(f"{path}/a:Id")
        known = (await intake.get(f"/v1/associations/{first.text(f'{path}/a:Id')}")).json
        assert (known["write_id"], known["created_by"]) == (first.text(f"{path}/a:WriteId"), "token:intake")

    async def test_a_line_that_looks_like_a_mac_address_is_taken_with_a_warning(self, bss):
        made = await bss.ask(by_line("CreateDevice", "00:11:22:33:44:55"))
        assert "MAC" in made.text("a:CreateDeviceResponse/a:Device/a:Warnings")
        for _ in range(2):
            made = await bss.ask(provision(line="00:11:22:33:44:55"))
            assert "MAC" in made.text("a:ProvisionResponse/a:Request/a:Warnings")


class TestProvision:
    async def test_does_all_three_and_the_same_again_says_so(self, bss, intake):
        first, again = [await bss.ask(provision(more=BOX)) for _ in range(2)]
        path = "a:ProvisionResponse"
        assert [each.text(f"{path}/a:Created") for each in (first, again)] == ["true", "false"]
        for member in ("Id", "AssociationId", "WriteId"):
            assert first.text(f"{path}/a:Request/a:{member}") == again.text(f"{path}/a:Request/a:{member}") != ""
        request_id = first.text(f"{path}/a:Request/a:Id")
        request = (await intake.get(f"/v1/provisioning-requests/{request_id}")).json
        assert (request["state"], request["association"]["subscriber_name"]) == ("queued", "Ann")
        rest = {
            "subscriber": {"name": "Ann", "code": "C-1"},
            "line_of_service": "L-1",
            "gateway": {"oui": "00236A", "product_class": "SR400", "serial_number": "S-1"},
        }
        same = await intake.post("/v1/provisioning-requests", rest)
        assert (same.status, same.json["id"]) == (200, request_id)

    async def test_a_conflict_says_who_and_what_to_do_and_replace_existing_does_it(self, bss):
        await bss.ask(provision("C-1"))
        refused = await bss.ask(provision("C-2"))
        assert (refused.status, refused.faultcode, refused.code) == (500, "soap:Client", "Conflict")
        assert refused.detail == (
            "line of service L-1 is associated with subscriber C-1: "
            "ReplaceExisting moves it, or end that association first"
        )
        moved = await bss.ask(provision("C-2", more=REPLACE))
        assert moved.text("a:ProvisionResponse/a:Created") == "true"

    async def test_blanks_and_line_ends_around_a_text_do_not_count(self, bss, intake):
        made = await bss.ask(provision("\n   C-1\n  ", " L-1\t", more=REPLACE.replace("true", " 0 ")))
        assert made.status == 200, made.reply
        assert (await intake.get("/v1/devices/L-1")).json["subscriber_code"] == "C-1"

    async def test_writes_the_audit_trail_with_the_same_actor_as_v1(self, operator, bss, intake):
        await bss.ask(provision())
        rest = {"subscriber": {"name": "Bob", "code": "C-2"}, "line_of_service": "L-2"}
        await intake.post("/v1/provisioning-requests", rest)
        query = "select actor, address from audit where action = 'request_accepted'"
        first, second = await operator.office.database.fetch(query)
        assert dict(first) == dict(second)


class TestSwapGateway:
    async def test_gives_a_line_another_gateway_and_keeps_its_association(self, bss, intake):
        await bss.ask(provision(more=BOX))
        body = f"<a:SwapGateway><a:LineOfService>L-1</a:LineOfService>{OTHER_BOX}</a:SwapGateway>"
        swapped = await bss.ask(body)
        path = "a:SwapGatewayResponse/a:Device"
        assert swapped.text(f"{path}/a:Gateway/a:SerialNumber") == "S-2", swapped.reply
        assert swapped.text(f"{path}/a:AssociationId") == (await intake.get("/v1/devices/L-1")).json["association_id"]
        assert (await bss.ask(body)).status == 200

    async def test_takes_a_gateway_from_another_line_only_with_replace_existing(self, bss, intake):
        await bss.ask(provision("C-1", "L-1", more=BOX))
        await bss.ask(provision("C-2", "L-2", name="Bob"))
        body = "<a:SwapGateway><a:LineOfService>L-2</a:LineOfService>{}{}</a:SwapGateway>"
        refused = await bss.ask(body.format(BOX, ""))
        assert (refused.code, "L-1" in refused.detail, "ReplaceExisting" in refused.detail) == ("Conflict", True, True)
        assert (await bss.ask(body.format(BOX, REPLACE))).status == 200
        assert (await intake.get("/v1/devices/L-1")).json["gateway"] is None


class TestEndAssociation:
    @pytest.mark.parametrize("by", ["AssociationId", "LineOfService"])
    async def test_ends_it_and_once_over_changes_nothing(self, bss, intake, by):
        made = await bss.ask(provision())
        association = made.text("a:ProvisionResponse/a:Request/a:AssociationId")
        named = association if by == "AssociationId" else "L-1"
        body = f"<a:EndAssociation><a:{by}>{named}</a:{by}></a:EndAssociation>"
        first, again = await bss.ask(body), await bss.ask(body)
        path = "a:EndAssociationResponse/a:Association"
        assert (first.text(f"{path}/a:State"), first.text(f"{path}/a:EndedBy")) == ("ended", "token:intake")
        assert first.reply.text == again.reply.text
        assert (await intake.get(f"/v1/associations/{association}")).json["state"] == "ended"

    @pytest.mark.parametrize(
        ("choice", "words"),
        [
            (f"<a:AssociationId>{NOBODY_HAS_IT}</a:AssociationId>", "no such association"),
            ("<a:LineOfService>L-9</a:LineOfService>", "no line of service L-9"),
            ("<a:LineOfService>L-2</a:LineOfService>", "L-2 has no association"),
        ],
    )
    async def test_of_what_is_not_there_is_not_found(self, bss, choice, words):
        await bss.ask(by_line("CreateDevice", "L-2"))
        for operation in ("EndAssociation", "GetProvisioningStatus"):
            refused = await bss.ask(f"<a:{operation}>{choice}</a:{operation}>")
            assert (refused.status, refused.code) == (500, "NotFound")
            assert words in refused.detail


class TestGetProvisioningStatus:
    async def test_shows_the_write_whichever_way_it_is_asked_for(self, soap, bss):
        made = await bss.ask(provision(more=BOX))
        request = "a:ProvisionResponse/a:Request"
        asked = {
            "RequestId": made.text(f"{request}/a:Id"),
            "AssociationId": f" {made.text(f'{request}/a:AssociationId').upper()} ",
            "LineOfService": "l-1",
        }
        for name, value in asked.items():
            body = f"<a:GetProvisioningStatus><a:{name}>{value}</a:{name}></a:GetProvisioningStatus>"
            for role in (Role.CSR, Role.INTAKE, Role.ADMIN):
                shown = await soap.as_(role).ask(body)
                path = "a:GetProvisioningStatusResponse/a:Write"
                assert shown.text(f"{path}/a:Id") == made.text(f"{request}/a:WriteId"), shown.reply
                assert (shown.text(f"{path}/a:State"), shown.text(f"{path}/a:Purpose")) == ("queued", "provision")
                assert "first Inform is awaited" in shown.text(f"{path}/a:WaitingFor")

    async def test_shows_the_fault_of_a_gateway(self, operator, bss):
        made = await bss.ask(provision(more=BOX))
        await operator.office.reject(UUID(made.text("a:ProvisionResponse/a:Request/a:WriteId")))
        shown = await bss.ask(by_line("GetProvisioningStatus"))
        path = "a:GetProvisioningStatusResponse/a:Write"
        assert (shown.text(f"{path}/a:State"), shown.text(f"{path}/a:Fault/a:Code")) == ("rejected", "9005")

    async def test_an_unknown_request_is_not_found(self, bss):
        body = f"<a:GetProvisioningStatus><a:RequestId>{NOBODY_HAS_IT}</a:RequestId></a:GetProvisioningStatus>"
        assert (await bss.ask(body)).code == "NotFound"


class TestWhoMayCall:
    ASKING: ClassVar = {
        "CreateSubscriber": "<a:Name>x</a:Name><a:Code>x</a:Code>",
        "CreateDevice": "<a:LineOfService>x</a:LineOfService>",
        "Associate": "<a:SubscriberCode>x</a:SubscriberCode><a:LineOfService>x</a:LineOfService>",
        "Provision": "<a:Subscriber/>",
        "SwapGateway": "<a:LineOfService>x</a:LineOfService>",
        "EndAssociation": "<a:LineOfService>x</a:LineOfService>",
    }

    @pytest.mark.parametrize("operation", ASKING)
    @pytest.mark.parametrize("role", [Role.CSR, Role.PHAN])
    async def test_operations_that_write_are_for_admins_and_the_intake(self, operator, soap, operation, role):
        before = await operator.office.deeds()
        refused = await soap.as_(role).ask(f"<a:{operation}>{self.ASKING[operation]}</a:{operation}>")
        assert (refused.status, refused.faultcode, refused.code) == (500, "soap:Client", "Forbidden")
        assert "admin or intake" in refused.detail
        assert role in refused.detail
        assert await operator.office.deeds() == before

    async def test_the_analytics_platform_may_not_ask_for_a_state(self, soap):
        assert (await soap.as_(Role.PHAN).ask(by_line("GetProvisioningStatus"))).code == "Forbidden"

    @pytest.mark.parametrize("user", ["crm", "", "somebody ö"])
    async def test_a_token_is_taken_as_the_password_of_basic(self, operator, soap, user):
        credentials = basic(user, operator.tokens[Role.INTAKE])
        assert (await soap.as_(None).send(envelope(provision()), Authorization=credentials)).status == 200

    async def test_basic_is_for_soap_alone(self, operator):
        header = {"Authorization": basic("crm", operator.tokens[Role.ADMIN])}
        assert (await operator.as_(None)("GET", "/v1/subscribers", headers=header)).status == 401

    @pytest.mark.parametrize(
        "shown",
        [
            None,
            "",
            "Bearer",
            "Bearer x",
            "Basic",
            "Basic !!",
            "Basic " + "x" * 5000,
            basic("crm", "x"),
            basic("x", "ä"),
        ],
    )
    async def test_without_a_token_that_counts_it_is_401_with_both_challenges(self, soap, shown):
        headers = {} if shown is None else {"Authorization": shown}
        refused = await soap.as_(None).send(envelope(provision()), **headers)
        assert (refused.status, refused.faultcode, refused.code) == (401, "soap:Client", "Unauthenticated")
        challenges = refused.reply.headers.getall("WWW-Authenticate")
        assert [each.split()[0] for each in challenges] == ["Bearer", "Basic"]

    async def test_a_revoked_token_is_refused_at_once(self, operator, bss):
        assert (await bss.ask(provision())).status == 200
        await operator.office.tokens.revoke("intake", operator.office.actor)
        assert (await bss.ask(provision())).status == 401
