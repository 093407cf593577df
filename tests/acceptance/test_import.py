"""A file that is imported beside a running daemon on its embedded Postgres, by people at a shell."""

import json

from tests.acceptance.site import PHAN_URL, Site

ROW = '"Example, Ann",C-1,LOS-1,00005E,SimGW,IMP00001'
HEADER = "subscriber_name,subscriber_code,line_of_service,oui,product_class,serial_number"


class TestImport:
    async def test_a_row_reaches_its_gateway_through_the_daemon_that_runs(self, site: Site) -> None:
        with site.serving() as daemon:
            rows = f"{HEADER}\n{ROW}\n"
            ended = site.run("import", "-", "--format", "csv", typed=rows)
            assert ended.code == 0, ended.err
            result = json.loads(ended.out)
            await daemon.gateway("IMP00001").session()
            caller = daemon.caller(site.token("admin", "admin"))
            assert caller.state(result["write_id"]) == "verified"
            again = site.run("import", "-", "--format", "csv", "--results", "results.csv", typed=rows)
            assert (again.code, again.out) == (0, "")
            assert "1 rows: 1 were there already, 0 failed" in again.err
            assert site.gateways[0].value(PHAN_URL)
        assert site.left_behind() == []
