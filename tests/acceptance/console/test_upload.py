"""A table that is uploaded by hand: a result for every row, in parts, whatever becomes of the connection."""

import asyncio
from pathlib import Path

import pytest
from playwright.async_api import Page, Route, expect

from tests.acceptance.console.browser import Visit, check_accessible, photograph
from tests.acceptance.site import Caller

pytestmark = pytest.mark.asyncio(loop_scope="session")

HEADER = "subscriber_name,subscriber_code,line_of_service\r\n"


def table(prefix: str, count: int, *odd: str) -> bytes:
    rows = [f"Ann {number},C-{prefix}-{number},LOS-{prefix}-{number}\r\n" for number in range(count)]
    return (HEADER + "".join(rows) + "".join(f"{row}\r\n" for row in odd)).encode()


async def choose(page: Page, content: bytes) -> None:
    await page.get_by_label("CSV file").set_input_files(
        {"name": "lines.csv", "mimeType": "text/csv", "buffer": content}
    )
    await page.get_by_role("button", name="Upload").click()


async def results(page: Page, folder: Path) -> list[str]:
    """What the file of results says, a line each."""
    async with page.expect_download() as download:
        await page.get_by_role("link", name="Download results").click()
    path = folder / "results.csv"
    await (await download.value).save_as(path)
    return path.read_text("utf-8").splitlines()


class TestAnUpload:
    async def test_tells_what_became_of_each_row(self, desk: Visit, admin: Caller, tmp_path: Path) -> None:
        admin.post("/v1/subscribers", {"name": "=1+1", "code": "C-UP-KNOWN"})
        page = await desk.page("/provisioning")
        odd = (",C-UP-X,LOS-UP-X", "<b>Bold</b>,C-UP-KNOWN,LOS-UP-Y", "Fine,C-UP-Z,LOS-UP-Z")
        await choose(page, table("UP", 3, *odd))
        await expect(page.locator("#upload-state")).to_have_text("All rows are done. 4 accepted, 2 refused.")
        refused = page.locator("#upload-rows tbody tr")
        await expect(refused).to_have_count(2)
        await expect(refused.first).to_contain_text("LOS-UP-X")
        await expect(refused.first).to_contain_text("1 to 128 characters")
        await expect(refused.last).to_contain_text("C-UP-KNOWN is known with another name: =1+1")
        header, *rows = await results(page, tmp_path)
        assert header.startswith("line,status,batch_id,")
        assert [row.partition(",")[0] for row in rows] == ["2", "3", "4", "5", "6", "7"]
        assert [row.split(",")[1] for row in rows] == ["201", "201", "201", "422", "409", "201"]
        await photograph(page, "provisioning-upload")
        await check_accessible(page)

    async def test_in_parts_is_one_batch_with_its_rows_numbered_through(
        self, desk: Visit, admin: Caller, tmp_path: Path
    ) -> None:
        page = await desk.page("/provisioning")
        await choose(page, table("PARTS", 1203, ",C-PARTS-X,LOS-PARTS-X"))
        await expect(page.locator("#upload-state")).to_have_text("All rows are done. 1203 accepted, 1 refused.")
        await expect(page.locator("#upload-rows tbody tr")).to_contain_text("LOS-PARTS-X")
        rows = (await results(page, tmp_path))[1:]
        assert [int(row.partition(",")[0]) for row in rows] == [*range(2, 1206)]
        (batch,) = {row.split(",")[2] for row in rows}
        assert admin.get(f"/v1/batches/{batch}")["writes"] == 1203

    async def test_goes_on_by_itself_when_the_connection_was_lost(self, desk: Visit, admin: Caller) -> None:
        desk.expects("ERR_CONNECTION_RESET")
        page = await desk.page("/provisioning")
        parts: list[Route] = []
        looked = asyncio.get_running_loop().create_future()

        async def lose_the_second(route: Route) -> None:
            parts.append(route)
            if len(parts) == 3:
                looked.set_result(await asyncio.gather(self.looks_on(page), return_exceptions=True))
            await (route.abort("connectionreset") if len(parts) == 2 else route.continue_())

        await page.route("**/v1/provisioning-requests", lose_the_second)
        await choose(page, table("AGAIN", 1100))
        await expect(page.locator("#connection")).to_contain_text("The connection is back")
        await expect(page.locator("#upload-state")).to_have_text("All rows are done. 1100 accepted, 0 refused.")
        assert len(parts) == 4, "three parts, and the one that was lost"
        assert await looked == [None]
        assert admin.get("/v1/subscribers/C-AGAIN-1099")["lines"] == 1

    async def looks_on(self, page: Page) -> None:
        """While it is under way, and just after the connection was away."""
        await expect(page.get_by_role("button", name="Stop")).to_be_visible()
        await photograph(page, "provisioning-uploading")
        await check_accessible(page)

    async def test_without_a_file_or_with_one_of_another_kind_says_so_beside_the_field(self, desk: Visit) -> None:
        desk.expects("status of 422")
        page = await desk.page("/provisioning")
        field = page.get_by_label("CSV file")
        await page.get_by_role("button", name="Upload").click()
        await expect(field.locator("..")).to_contain_text("Choose a file first.")
        await choose(page, b"")
        await expect(field.locator("..")).to_contain_text("This file is empty.")
        await choose(page, b"name,code\r\nAnn,C-1\r\n")
        await expect(field.locator("..")).to_contain_text("has no column line_of_service")
        await expect(page.locator("#upload-state")).to_contain_text("The upload ended early.")
        await check_accessible(page)
