"""A gateway's sessions with an ACS, over real HTTP."""

import asyncio
from dataclasses import replace

import pytest
from aiohttp import web

from acs_bridge.simulator.behaviour import BY_THE_BOOK, Applies, Behaviour
from acs_bridge.simulator.models import TR098
from acs_bridge.simulator.report import Outcome
from acs_bridge.simulator.surroundings import Surroundings
from cwmp.digest import Authorization, Challenge
from cwmp.envelope import write
from cwmp.messages import (
    AddObject,
    AddObjectResponse,
    DeleteObject,
    DeleteObjectResponse,
    EmptyPost,
    EventStruct,
    Fault,
    GetParameterNames,
    GetParameterNamesResponse,
    GetParameterValues,
    GetParameterValuesResponse,
    GetRPCMethods,
    GetRPCMethodsResponse,
    InformResponse,
    ParameterFault,
    ParameterValueStruct,
    SetParameterValues,
    SetParameterValuesResponse,
    TransferComplete,
)
from tests.simulator.acs import COOKIE
from tests.simulator.conftest import CREDENTIALS, IDENTITY, REALM

URL = "Device.X_ACSBRIDGE_HomeAnalytics.URL"
SUFFIX = "X_ACSBRIDGE_HomeAnalytics.URL"
NAMESPACE = "urn:dslforum-org:cwmp-1-2"
WRITE = SetParameterValues((ParameterValueStruct(URL, "https://r.example.net/token"),), "key-1")
READ = GetParameterValues((URL,))


def xml_of(message, id="1"):
    return lambda: web.Response(body=write(message, namespace=NAMESPACE, id=id), content_type="text/xml")


def status(code, **headers):
    return lambda: web.Response(status=code, headers=headers)


def unknown_request():
    body = write(READ, namespace=NAMESPACE, id="9").replace(b"GetParameterValues", b"X_VENDOR_Dance")
    return web.Response(body=body, content_type="text/xml")


class TestASession:
    async def test_goes_from_inform_to_no_content(self, acs, gateway):
        report = await gateway.session()
        assert [type(message).__name__ for message in acs.messages] == ["Inform", "EmptyPost"]
        assert (report.outcome, report.exchanges, report.served, report.error) == (Outcome.COMPLETED, 2, (), "")
        assert report.seconds >= report.inform_seconds > 0

    async def test_begins_with_who_the_gateway_is_and_its_forced_parameters(self, acs, gateway, now):
        await gateway.session(["2 PERIODIC", "4 VALUE CHANGE"])
        (inform,) = acs.informs
        assert inform.device_id == IDENTITY
        assert [event.code for event in inform.events] == ["2 PERIODIC", "4 VALUE CHANGE"]
        assert [each.name for each in inform.parameters] == list(gateway.model.schema.forced)
        assert inform.current_time == now.strftime("%Y-%m-%dT%H:%M:%SZ")
        assert inform.retry_count == 0

    async def test_writes_and_reads_what_the_acs_asks_for(self, acs, gateway):
        acs.script = [WRITE, READ]
        report = await gateway.session()
        assert gateway.value(SUFFIX) == "https://r.example.net/token"
        assert acs.messages[2:] == [SetParameterValuesResponse(0), GetParameterValuesResponse(WRITE.parameters)]
        assert report.served == ("SetParameterValues", "GetParameterValues")
        assert gateway.received == [WRITE, READ]

    async def test_the_next_inform_carries_the_key_of_the_write(self, acs, gateway):
        acs.script = [WRITE]
        await gateway.session()
        await gateway.session()
        assert [inform.value("ManagementServer.ParameterKey") for inform in acs.informs] == ["", "key-1"]

    async def test_answers_with_the_id_of_the_request(self, acs, gateway):
        acs.script = [READ]
        await gateway.session()
        assert acs.seen[2].envelope.header.id == "acs-2"

    async def test_manages_objects(self, acs, gateway):
        profiles = "Device.BulkData.Profile."
        acs.script = [
            AddObject(profiles, "k1"),
            GetParameterNames(profiles, next_level=True),
            DeleteObject(profiles + "1.", "k2"),
        ]
        await gateway.session()
        added, named, deleted = acs.messages[2:]
        assert added == AddObjectResponse(1, 0)
        assert isinstance(named, GetParameterNamesResponse)
        assert [each.name for each in named.parameters] == [profiles + "1."]
        assert deleted == DeleteObjectResponse(0)
        assert gateway.model.parameter_key == "k2"

    async def test_answers_get_rpc_methods_with_what_it_serves(self, acs, gateway):
        acs.script = [GetRPCMethods()]
        await gateway.session()
        answered = acs.messages[2]
        assert isinstance(answered, GetRPCMethodsResponse)
        assert {"GetRPCMethods", "SetParameterValues", "GetParameterValues", "AddObject"} <= set(answered.methods)

    async def test_a_refused_write_is_a_fault_that_names_the_parameters_and_the_session_goes_on(self, acs, gateway):
        acs.script = [SetParameterValues((ParameterValueStruct("Device.Nothing", "x"),), "key-1"), READ]
        report = await gateway.session()
        fault = acs.messages[2]
        assert fault == Fault(
            9003, "Invalid arguments", (ParameterFault("Device.Nothing", 9005, "Invalid parameter name"),)
        )
        assert report.completed
        assert len(report.served) == 2

    @pytest.mark.parametrize("namespace", ["urn:dslforum-org:cwmp-1-0", "urn:dslforum-org:cwmp-1-4"])
    async def test_every_message_is_in_the_gateways_own_namespace(self, acs, gateway_of, namespace):
        acs.script = [READ]
        await gateway_of(behaviour=Behaviour(namespace=namespace)).session()
        assert {each.envelope.namespace for each in acs.seen} == {namespace, ""}

    async def test_the_inform_alone_carries_the_version_headers(self, acs, gateway_of):
        acs.script = [READ]
        await gateway_of(behaviour=Behaviour(supported_versions=("1.0", "1.4"), session_timeout=120)).session()
        inform, _, answered = (each.envelope.header for each in acs.seen)
        assert (inform.supported_versions, inform.session_timeout) == (("1.0", "1.4"), 120)
        assert (answered.supported_versions, answered.session_timeout) == ((), None)

    async def test_a_tr098_gateway_speaks_of_its_own_root(self, acs, gateway_of):
        igd = gateway_of(schema=TR098)
        acs.script = [SetParameterValues((ParameterValueStruct(TR098.root + SUFFIX, "x"),), "k")]
        await igd.session()
        assert acs.informs[0].root == "InternetGatewayDevice."
        assert igd.value(SUFFIX) == "x"

    async def test_an_empty_post_says_nothing_about_its_type(self, acs, gateway):
        await gateway.session()
        inform, empty = (each.headers for each in acs.seen)
        assert inform["Content-Type"] == "text/xml; charset=utf-8"
        assert inform["SOAPAction"] == ""
        assert not {"Content-Type", "SOAPAction"} & set(empty)


class TestAuthentication:
    async def test_answers_the_challenge_once_and_then_counts(self, acs, door, gateway):
        acs.script = [READ]
        report = await gateway.session()
        assert (report.outcome, acs.challenges, report.exchanges) == (Outcome.COMPLETED, 1, 4)
        assert sorted(count for *_, count in door.used) == ["00000001", "00000002", "00000003"]

    @pytest.mark.parametrize(
        "challenge",
        [
            Challenge(REALM, "n", algorithm="SHA-256"),
            Challenge(REALM, "n", algorithm="MD5-sess"),
            Challenge(REALM, "n", opaque="o"),
        ],
        ids=["SHA-256", "MD5-sess", "opaque"],
    )
    async def test_speaks_every_kind_of_digest(self, door, gateway, challenge):
        door.challenge = challenge
        assert (await gateway.session()).completed

    async def test_speaks_the_digest_of_rfc_2069_which_does_not_count(self, acs, door, gateway):
        door.challenge = Challenge(REALM, "n", qop=None)
        await gateway.session()
        shown = Authorization.parse(acs.seen[0].authorization)
        assert (shown.qop, shown.nc, shown.cnonce) == (None, None, None)

    async def test_a_gateway_that_is_not_preemptive_is_challenged_for_every_post(self, acs, door, gateway_of):
        report = await gateway_of(behaviour=Behaviour(preemptive=False)).session()
        assert (report.outcome, acs.challenges, report.exchanges) == (Outcome.COMPLETED, 2, 4)
        assert sorted(count for *_, count in door.used) == ["00000001", "00000002"]

    async def test_without_being_challenged_again_the_connection_has_to_do(self, acs, door, gateway_of):
        acs.challenge = lambda request: None if acs.seen else door(request)
        report = await gateway_of(behaviour=Behaviour(preemptive=False)).session()
        assert report.completed
        assert [bool(each.authorization) for each in acs.seen] == [True, False]

    async def test_a_new_nonce_in_the_middle_of_a_session_is_answered(self, acs, door, gateway):
        acs.script = [WRITE, READ]

        def expire(request):
            if len(acs.seen) == 2 and door.challenge.nonce == "nonce-1":
                door.challenge = Challenge(REALM, "nonce-2", stale=True)
            return door(request)

        acs.challenge = expire
        report = await gateway.session()
        assert (report.outcome, acs.challenges) == (Outcome.COMPLETED, 2)
        assert gateway.value(SUFFIX)

    async def test_a_wrong_password_ends_the_session(self, acs, door, gateway_of):
        report = await gateway_of(credentials=replace(CREDENTIALS, password="wrong")).session()
        assert (report.outcome, report.error, report.exchanges) == (Outcome.UNAUTHORIZED, "HTTP 401", 2)
        assert acs.seen == []

    async def test_without_credentials_there_is_no_answer_to_a_challenge(self, door, gateway_of):
        report = await gateway_of(credentials=None).session()
        assert (report.outcome, report.exchanges) == (Outcome.UNAUTHORIZED, 1)

    async def test_basic_is_never_answered_on_a_connection_in_clear(self, acs, gateway):
        acs.challenge = lambda _: web.Response(status=401, headers={"WWW-Authenticate": 'Basic realm="acs"'})
        assert (await gateway.session()).outcome is Outcome.UNAUTHORIZED

    async def test_a_probe_fetches_the_challenge_before_the_inform(self, acs, door, gateway_of):
        report = await gateway_of(behaviour=Behaviour(probes_first=True)).session()
        assert (report.outcome, acs.challenges, report.exchanges) == (Outcome.COMPLETED, 1, 3)

    async def test_credentials_that_the_acs_wrote_are_used_from_the_next_session_on(self, acs, door, gateway):
        acs.script = [
            SetParameterValues((ParameterValueStruct("Device.ManagementServer.Username", "own"),), "k"),
        ]
        await gateway.session()
        report = await gateway.session()
        assert report.outcome is Outcome.UNAUTHORIZED
        gateway.factory_reset()
        door.challenge = Challenge(REALM, "nonce-3")
        assert (await gateway.session()).completed

    def test_a_password_is_not_in_any_repr(self, gateway):
        assert CREDENTIALS.password not in repr(CREDENTIALS) + repr(gateway)


class TestCookiesAndConnections:
    async def test_the_cookie_of_the_inform_response_is_returned_without_its_attributes(self, acs, gateway):
        acs.script = [READ]
        await gateway.session()
        assert [each.cookie for each in acs.seen] == ["", f"{COOKIE}={1:032x}", f"{COOKIE}={1:032x}"]

    async def test_a_cookie_set_later_is_not_kept(self, acs, gateway):
        acs.script = [READ]
        acs.instead[2] = lambda: web.Response(
            body=write(READ, namespace=NAMESPACE, id="x"), headers={"Set-Cookie": "other=1", "Content-Type": "text/xml"}
        )
        await gateway.session()
        assert acs.seen[2].cookie == f"{COOKIE}={1:032x}"

    async def test_the_next_session_begins_without_a_cookie(self, acs, gateway):
        await gateway.session()
        await gateway.session()
        assert acs.seen[2].cookie == ""

    async def test_a_stale_cookie_comes_back_with_the_next_inform_and_gives_way_to_the_new_one(self, acs, gateway_of):
        keeping = gateway_of(behaviour=Behaviour(stale_cookie=True))
        await keeping.session()
        await keeping.session()
        assert [each.cookie for each in acs.seen[2:]] == [f"{COOKIE}={1:032x}", f"{COOKIE}={2:032x}"]

    async def test_a_gateway_without_cookies_has_only_its_connection(self, acs, gateway_of):
        acs.script = [READ]
        report = await gateway_of(behaviour=Behaviour(cookies=False)).session()
        assert report.completed
        assert {each.cookie for each in acs.seen} == {""}
        assert len({each.peer for each in acs.seen}) == 1

    async def test_one_session_is_one_connection_and_the_next_is_another(self, acs, gateway):
        await gateway.session()
        await gateway.session()
        assert len({each.peer for each in acs.seen}) == 2

    async def test_a_gateway_may_open_a_connection_for_every_post(self, acs, door, gateway_of):
        acs.script = [READ]
        report = await gateway_of(behaviour=Behaviour(reconnects=True)).session()
        assert report.completed
        assert len({each.peer for each in acs.seen}) == 3


class TestBreakingOff:
    async def test_on_a_request_with_nothing_done(self, acs, gateway_of):
        dropping = gateway_of(behaviour=Behaviour(drop_on_request=1))
        acs.script = [WRITE]
        report = await dropping.session()
        assert (report.outcome, report.served) == (Outcome.DROPPED, ("SetParameterValues",))
        assert (dropping.value(SUFFIX), dropping.model.parameter_key) == ("", "")
        assert len(acs.seen) == 2

    async def test_before_a_response_with_everything_done(self, acs, gateway_of):
        dropping = gateway_of(behaviour=Behaviour(drop_before_response=1))
        acs.script = [WRITE]
        assert (await dropping.session()).outcome is Outcome.DROPPED
        assert dropping.value(SUFFIX) == "https://r.example.net/token"
        assert len(acs.seen) == 2

    async def test_on_the_answer_to_a_response_which_the_acs_has_got(self, acs, gateway_of):
        dropping = gateway_of(behaviour=Behaviour(drop_on_answer=3))
        acs.script = [WRITE, READ]
        report = await dropping.session()
        assert (report.outcome, report.served) == (Outcome.DROPPED, ("SetParameterValues",))
        assert acs.messages[-1] == SetParameterValuesResponse(0)

    async def test_challenges_do_not_count_among_the_answers(self, acs, door, gateway_of):
        report = await gateway_of(behaviour=Behaviour(drop_on_answer=1)).session()
        assert report.outcome is Outcome.DROPPED
        assert len(acs.informs) == 1

    async def test_the_second_request_can_be_the_one(self, acs, gateway_of):
        acs.script = [WRITE, READ]
        report = await gateway_of(behaviour=Behaviour(drop_on_request=2)).session()
        assert report.served == ("SetParameterValues", "GetParameterValues")
        assert acs.messages[-1] == SetParameterValuesResponse(0)

    async def test_the_next_session_repeats_the_events_and_counts_the_retries(self, acs, gateway):
        gateway.behaviour = Behaviour(drop_on_answer=1)
        await gateway.session(["1 BOOT"])
        await gateway.session()
        gateway.behaviour = BY_THE_BOOK
        await gateway.session()
        await gateway.session()
        assert [inform.retry_count for inform in acs.informs] == [0, 1, 2, 0]
        assert [[event.code for event in inform.events] for inform in acs.informs] == [
            ["1 BOOT"],
            ["1 BOOT", "2 PERIODIC"],
            ["1 BOOT", "2 PERIODIC"],
            ["2 PERIODIC"],
        ]

    async def test_a_cancelled_session_leaves_the_gateway_fit_for_the_next(self, acs, gateway):
        gateway.behaviour = Behaviour(hold=asyncio.Event())
        acs.script = [READ]
        session = asyncio.create_task(gateway.session())
        await gateway.until(lambda it: it.holding)
        session.cancel()
        with pytest.raises(asyncio.CancelledError):
            await session
        assert (gateway.in_session, gateway.holding) == (False, False)
        gateway.behaviour = BY_THE_BOOK
        assert (await gateway.session()).completed


class TestWrites:
    @pytest.mark.parametrize("status", [0, 1, None])
    async def test_the_status_is_what_the_behaviour_says(self, acs, gateway_of, status):
        acs.script = [WRITE]
        await gateway_of(behaviour=Behaviour(status=status)).session()
        assert acs.messages[2] == SetParameterValuesResponse(status)

    async def test_values_can_wait_for_the_end_of_the_session(self, acs, gateway_of):
        staging = gateway_of(behaviour=Behaviour(status=1, applies=Applies.AFTER_SESSION))
        acs.script = [WRITE, READ]
        await staging.session()
        assert acs.messages[3] == GetParameterValuesResponse((ParameterValueStruct(URL, ""),))
        assert staging.value(SUFFIX) == "https://r.example.net/token"

    async def test_values_can_wait_for_the_next_boot(self, acs, gateway_of):
        staging = gateway_of(behaviour=Behaviour(status=1, applies=Applies.AFTER_BOOT))
        acs.script = [WRITE]
        await staging.session()
        assert (staging.value(SUFFIX), staging.model.has_staged) == ("", True)
        staging.reboot()
        assert staging.value(SUFFIX) == "https://r.example.net/token"
        acs.script = []
        await staging.session([])
        assert acs.informs[-1].events == (EventStruct("1 BOOT"),)

    async def test_a_gateway_may_say_that_it_has_set_what_it_has_not(self, acs, gateway_of):
        forgetful = gateway_of(behaviour=Behaviour(forgets_values=True))
        acs.script = [WRITE, READ]
        await forgetful.session()
        assert acs.messages[2:] == [
            SetParameterValuesResponse(0),
            GetParameterValuesResponse((ParameterValueStruct(URL, ""),)),
        ]
        assert forgetful.model.parameter_key == "key-1"

    async def test_a_gateway_may_not_keep_the_key(self, acs, gateway_of):
        forgetful = gateway_of(behaviour=Behaviour(forgets_key=True))
        acs.script = [WRITE]
        await forgetful.session()
        assert forgetful.value(SUFFIX)
        assert forgetful.model.parameter_key == ""

    async def test_a_gateway_refuses_what_its_behaviour_refuses(self, acs, gateway_of):
        refusing = gateway_of(behaviour=Behaviour(parameter_faults={URL: 9007}))
        acs.script = [WRITE]
        await refusing.session()
        assert acs.messages[2].parameters == (ParameterFault(URL, 9007, "Invalid parameter value"),)
        assert (refusing.value(SUFFIX), refusing.model.parameter_key) == ("", "")

    async def test_a_planned_fault_takes_the_place_of_the_answer(self, acs, gateway_of):
        failing = gateway_of(behaviour=Behaviour(faults={"SetParameterValues": Fault(9002, "Busy")}))
        acs.script = [WRITE, READ]
        report = await failing.session()
        assert acs.messages[2] == Fault(9002, "Busy")
        assert failing.value(SUFFIX) == ""
        assert report.completed


class TestReading:
    async def test_a_hidden_parameter_reads_as_nothing(self, acs, gateway_of):
        acs.script = [WRITE, READ]
        await gateway_of(behaviour=Behaviour(hides=frozenset({URL}))).session()
        assert acs.messages[3] == GetParameterValuesResponse((ParameterValueStruct(URL, ""),))

    async def test_an_answer_may_lack_a_parameter(self, acs, gateway_of):
        acs.script = [WRITE, READ]
        await gateway_of(behaviour=Behaviour(omits=frozenset({URL}))).session()
        assert acs.messages[3] == GetParameterValuesResponse(())


class TestInforms:
    async def test_a_gateway_may_have_an_empty_event_list(self, acs, gateway_of):
        await gateway_of(behaviour=Behaviour(no_events=True)).session()
        assert acs.informs[0].events == ()

    async def test_a_gateway_may_leave_out_the_key(self, acs, gateway_of):
        await gateway_of(behaviour=Behaviour(no_parameter_key=True)).session()
        assert acs.informs[0].value("ManagementServer.ParameterKey") is None

    async def test_its_own_requests_come_before_the_empty_post(self, acs, gateway_of):
        own = (TransferComplete("key-7"), GetRPCMethods())
        acs.script = [READ]
        report = await gateway_of(behaviour=Behaviour(own_requests=own)).session()
        assert report.completed
        assert [type(message) for message in acs.messages[1:4]] == [TransferComplete, GetRPCMethods, EmptyPost]

    async def test_a_fault_to_its_own_request_does_not_end_the_session(self, acs, gateway_of):
        acs.instead[2] = xml_of(Fault(8002, "Internal error"), id="2")
        report = await gateway_of(behaviour=Behaviour(own_requests=(TransferComplete("key-7"),))).session()
        assert report.completed

    async def test_a_factory_reset_is_a_first_contact(self, acs, gateway):
        acs.script = [WRITE]
        await gateway.session()
        gateway.factory_reset()
        acs.script = []
        await gateway.session([])
        assert acs.informs[-1].events == (EventStruct("0 BOOTSTRAP"), EventStruct("1 BOOT"))
        assert acs.informs[-1].value("ManagementServer.ParameterKey") == ""
        assert gateway.value(SUFFIX) == ""
        assert gateway.pending == []

    async def test_a_reboot_that_was_asked_for_says_so(self, acs, gateway):
        gateway.reboot(command_key="cmd-1")
        await gateway.session([])
        assert acs.informs[0].events == (EventStruct("1 BOOT"), EventStruct("M Reboot", "cmd-1"))

    async def test_another_acs_is_contacted_as_for_the_first_time(self, acs, gateway):
        elsewhere = acs.url + "?moved"
        acs.script = [SetParameterValues((ParameterValueStruct("Device.ManagementServer.URL", elsewhere),), "k")]
        await gateway.session()
        acs.script = []
        await gateway.session([])
        await gateway.session()
        assert [[event.number for event in inform.events] for inform in acs.informs] == [[2], [0], [2]]

    async def test_a_url_that_leads_nowhere_fails_the_session_and_nothing_else(self, acs, gateway):
        gateway.model.put("Device.ManagementServer.URL", "nowhere")
        report = await gateway.session()
        assert (report.outcome, report.exchanges) == (Outcome.UNREACHABLE, 0)


class TestAnAcsThatErrs:
    @pytest.mark.parametrize("code", [400, 403, 500, 503])
    async def test_an_error_of_http_ends_the_session(self, acs, gateway, code):
        acs.instead[1] = status(code)
        report = await gateway.session()
        assert (report.outcome, report.error, report.inform_seconds) == (Outcome.HTTP_ERROR, f"HTTP {code}", None)

    async def test_a_fault_to_the_inform_ends_the_session(self, acs, gateway):
        acs.instead[1] = xml_of(Fault(8001, "Request denied"))
        report = await gateway.session()
        assert (report.outcome, report.error) == (Outcome.ACS_FAULT, "8001 in answer to the Inform")

    async def test_8005_asks_for_the_same_inform_again(self, acs, gateway):
        acs.instead[1] = xml_of(Fault(8005, "Retry request"))
        report = await gateway.session()
        assert report.completed
        assert acs.informs[0] == acs.informs[1]
        assert acs.seen[0].envelope.header.id == acs.seen[1].envelope.header.id

    async def test_8005_for_ever_is_not_followed_for_ever(self, acs, gateway):
        for number in range(1, 50):
            acs.instead[number] = xml_of(Fault(8005, "Retry request"))
        assert (await gateway.session()).outcome is Outcome.ACS_FAULT
        assert len(acs.informs) == 6

    @pytest.mark.parametrize("wrong", [status(204), xml_of(READ), xml_of(SetParameterValuesResponse(0))])
    async def test_an_inform_is_answered_with_its_response_and_nothing_else(self, acs, gateway, wrong):
        acs.instead[1] = wrong
        report = await gateway.session()
        assert report.outcome is Outcome.PROTOCOL_ERROR

    async def test_a_response_where_a_request_was_due_ends_the_session(self, acs, gateway):
        acs.instead[2] = xml_of(InformResponse())
        assert (await gateway.session()).outcome is Outcome.PROTOCOL_ERROR

    async def test_what_is_no_cwmp_ends_the_session(self, acs, gateway):
        acs.instead[1] = lambda: web.Response(text="<html>welcome</html>")
        assert (await gateway.session()).outcome is Outcome.PROTOCOL_ERROR

    async def test_an_unknown_request_is_not_supported(self, acs, gateway):
        acs.instead[2] = unknown_request
        report = await gateway.session()
        assert (report.outcome, report.served) == (Outcome.COMPLETED, ("X_VENDOR_Dance",))
        assert acs.messages[2] == Fault(9000, "Method not supported")

    async def test_some_firmware_answers_an_unknown_request_with_an_empty_post(self, acs, gateway_of):
        acs.instead[2] = acs.instead[3] = unknown_request
        report = await gateway_of(behaviour=Behaviour(unknown_is_empty=True)).session()
        assert (report.outcome, report.served) == (Outcome.COMPLETED, ("X_VENDOR_Dance",) * 2)
        assert acs.messages[2:] == [EmptyPost(), EmptyPost()]

    async def test_an_acs_that_is_not_there_is_unreachable(self, gateway_of, unused_tcp_port):
        report = await gateway_of(url=f"http://127.0.0.1:{unused_tcp_port}/acs").session()
        assert (report.outcome, report.exchanges) == (Outcome.UNREACHABLE, 0)

    async def test_an_acs_that_does_not_answer_is_given_up(self, acs, gateway_of, clock):
        never = asyncio.Event()

        async def hang(_request):
            await never.wait()

        acs.post = hang
        async with acs.listening():
            impatient = Surroundings(clock=clock, answer_seconds=0.05)
            report = await gateway_of(url=acs.url, surroundings=impatient).session()
            never.set()
        assert (report.outcome, report.error) == (Outcome.TIMED_OUT, "no answer")


class TestWaiting:
    async def test_a_gateway_can_be_held_before_it_answers(self, acs, gateway):
        release = asyncio.Event()
        gateway.behaviour = Behaviour(hold=release)
        acs.script = [WRITE]
        session = asyncio.create_task(gateway.session())
        await gateway.until(lambda it: it.holding)
        assert gateway.received == [WRITE]
        assert gateway.value(SUFFIX) == ""
        release.set()
        assert (await session).completed
        assert not gateway.holding

    async def test_a_value_can_be_waited_for(self, acs, gateway):
        acs.script = [WRITE]
        session = asyncio.create_task(gateway.session())
        await gateway.until(lambda it: bool(it.value(SUFFIX)))
        assert gateway.in_session
        await session

    async def test_a_gateway_has_one_session_at_a_time(self, acs, gateway):
        release = asyncio.Event()
        gateway.behaviour = Behaviour(hold=release)
        acs.script = [READ]
        first, second = asyncio.create_task(gateway.session()), asyncio.create_task(gateway.session())
        await gateway.until(lambda it: it.holding)
        assert len(acs.informs) == 1
        release.set()
        await asyncio.gather(first, second)
        assert len(acs.informs) == 2
