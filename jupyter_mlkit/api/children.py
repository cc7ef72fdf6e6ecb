"""Programs with a page of their own: open one, see which run, stop one."""

from __future__ import annotations

from ..models import Child, ChildList, ChildRequest
from .base import MLKitHandler
from .endpoint import endpoint
from .owned import Owned

PROGRAM = Owned("program", ("child_id",))


class ChildrenHandler(MLKitHandler):
    """The programs of this server."""

    path = "children"

    @endpoint("read", "proxy", "List the programs that run", answer=ChildList, polled=True)
    async def get(self) -> ChildList:
        """Return the programs that run."""
        return await self.blocking(lambda: self.services.children.list())

    @endpoint(
        "execute",
        "proxy",
        "Open a program; answers when its page can be shown",
        on=Owned("program"),
        body=ChildRequest,
        answer=Child,
    )
    async def post(self, body: ChildRequest) -> Child:
        """Start the program where it does not run yet."""
        child = await self.services.open_child(body.kind)
        self.made(f"program/{child.child_id}")
        return child


class ChildHandler(MLKitHandler):
    """One program."""

    path = "children/{child_id}"

    @endpoint("execute", "proxy", "Stop a program", on=PROGRAM)
    async def delete(self, child_id: str) -> None:
        """End the program and all that it has started."""
        await self.blocking(lambda: self.services.children.stop(child_id))


HANDLERS = [ChildrenHandler, ChildHandler]
