"""`/v1/profiles` and the plan for one gateway."""

from acs_bridge.domain.actor import Role
from acs_bridge.store.gateways import Identity
from tests.services.conftest import BASE_URL, PROFILE
from tests.web.operator.conftest import Api, Operator

GATEWAY = Identity("00236A", "S1", "HG")


async def test_the_profiles_in_force_are_listed_as_their_files_have_them(operator: Operator) -> None:
    answer = await operator.as_(Role.CSR).get("/v1/profiles")
    (profile,) = answer.json["items"]
    assert (profile["name"], profile["source"], profile["quirks"], profile["blocks"]) == ("roomy", "roomy.toml", [], [])
    assert profile["match"] == {"root": "Device.", "oui": [], "product_class": None, "software_version": None}
    assert profile["parameters"] == [
        {
            "name": "Device.X_EXAMPLE.URL",
            "value": "{phan_url}",
            "type": "xsd:string",
            "max_length": 160,
            "clear": "",
        }
    ]


async def test_an_admin_has_them_read_again(operator: Operator, admin: Api) -> None:
    operator.office.text = PROFILE.replace("160", "150")
    assert (await operator.as_(Role.CSR).post("/v1/profiles/reload")).status == 403
    answer = await admin.post("/v1/profiles/reload")
    assert (answer.status, answer.json["items"][0]["parameters"][0]["max_length"]) == (200, 150)


async def test_a_mistake_is_answered_with_its_place(operator: Operator, admin: Api) -> None:
    operator.office.text = PROFILE + "[quirks]\nemtpy_200 = true\n"
    answer = await admin.post("/v1/profiles/reload")
    assert answer.status == 422
    assert answer.json["errors"] == [
        {"field": "roomy.toml: quirks.emtpy_200", "message": "is not known; did you mean empty_200?"}
    ]


class TestThePlanOfAGateway:
    async def test_is_what_it_would_be_sent_without_the_secret_of_the_url(self, operator: Operator, admin: Api) -> None:
        receipt = await operator.office.request(gateway=GATEWAY)
        gateway_id = await operator.office.inform(GATEWAY)
        plan = (await operator.as_(Role.CSR).get(f"/v1/gateways/{gateway_id}/plan")).json
        assert (plan["profile"], plan["purpose"], plan["write_id"]) == ("roomy", "provision", str(receipt.write_id))
        assert (plan["state"], plan["blocked"], plan["unfit"]) == ("queued", None, None)
        assert [request["rpc"] for request in plan["requests"]] == ["SetParameterValues", "GetParameterValues"]
        (value,) = plan["requests"][0]["parameters"]
        revealed = await admin.post(f"/v1/associations/{receipt.association_id}/reveal")
        url = revealed.json["phan_url"]
        assert value["value"] == f"{BASE_URL}{url.removeprefix(BASE_URL)[:6]}…"
        assert (value["name"], value["type"]) == ("Device.X_EXAMPLE.URL", "xsd:string")

    async def test_says_why_it_would_be_sent_nothing(self, operator: Operator, admin: Api) -> None:
        gateway_id = await operator.office.inform(GATEWAY)
        plan = (await admin.get(f"/v1/gateways/{gateway_id}/plan")).json
        assert (plan["purpose"], plan["requests"]) == (None, [])
        await operator.office.request(gateway=GATEWAY)
        operator.office.text = PROFILE.replace("Device.", "InternetGatewayDevice.")
        await admin.post("/v1/profiles/reload")
        plan = (await admin.get(f"/v1/gateways/{gateway_id}/plan")).json
        assert plan["unfit"].startswith("no profile fits this gateway")
        assert (plan["profile"], plan["requests"]) == (None, [])

    async def test_of_a_verified_line_is_what_a_write_would_send(self, operator: Operator, admin: Api) -> None:
        receipt = await operator.office.request(gateway=GATEWAY)
        gateway_id = await operator.office.inform(GATEWAY)
        await operator.office.verify(receipt.write_id)
        plan = (await admin.get(f"/v1/gateways/{gateway_id}/plan")).json
        assert (plan["write_id"], plan["state"], len(plan["requests"])) == (None, None, 2)

    async def test_of_nobody_is_404(self, admin: Api) -> None:
        assert (await admin.get("/v1/gateways/7/plan")).status == 404
