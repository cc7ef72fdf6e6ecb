"""Cubes, described by the helper process of a kernel: the server opens none."""

from __future__ import annotations

from ..models import CubeDescription, DescribeRequest
from .base import MLKitHandler
from .endpoint import endpoint
from .owned import NOTHING


class DescribeHandler(MLKitHandler):
    """What a cube holds."""

    path = "cubes/describe"

    @endpoint(
        "execute",
        "cubes",
        "Describe a cube",
        on=NOTHING,
        body=DescribeRequest,
        answer=CubeDescription,
    )
    async def post(self, body: DescribeRequest) -> CubeDescription:
        """Open the cube in the kernel's environment and look at it."""
        return await self.asking_kernel(
            lambda: self.services.kernels.ask(
                body.kernelspec,
                "describe",
                {"uri": body.uri, "options": body.options},
                CubeDescription,
                self.services.probe_timeout,
            )
        )


HANDLERS = [DescribeHandler]
