"""What the launch form needs: schema, kernels, estimators, validation, preview, texts."""

from __future__ import annotations

from ..errors import KernelError, NotFoundError
from ..models import (
    EstimatorList,
    EstimatorsRequest,
    FormSchema,
    Kernel,
    KernelList,
    Preview,
    SpecRequest,
    SpecText,
    Validation,
)
from .base import MLKitHandler
from .endpoint import endpoint
from .owned import NOTHING


class SchemaHandler(MLKitHandler):
    """The form."""

    path = "train/schema"

    @endpoint("read", "train", "JSON Schema of a training spec, for a form", answer=FormSchema)
    async def get(self) -> FormSchema:
        """Return schema and ui schema."""
        from ..jobs.form import form_schema

        return form_schema()


class KernelsHandler(MLKitHandler):
    """Kernels."""

    path = "train/kernels"

    @endpoint("read", "train", "List kernels", answer=KernelList)
    async def get(self) -> KernelList:
        """Return the kernelspecs, looked at from outside only."""
        return await self.blocking(lambda: self.services.kernels.list())


class KernelHandler(MLKitHandler):
    """One kernel."""

    path = "train/kernels/{kernelspec}"

    # Looking into an environment starts its interpreter: that is more than reading.
    @endpoint(
        "execute", "train", "Check whether a kernel can run our jobs", on=NOTHING, answer=Kernel
    )
    async def post(self, kernelspec: str) -> Kernel:
        """Return the kernel with its problem, if it has one."""
        try:
            return await self.asking_kernel(lambda: self.services.kernels.kernel(kernelspec))
        except KernelError as error:  # in a spec that is a wrong field; here it is the resource
            raise NotFoundError(error.message, hint=error.hint, code=error.code) from error


class EstimatorsHandler(MLKitHandler):
    """Model classes."""

    path = "train/estimators"

    @endpoint(
        "execute",
        "train",
        "Estimators that a kernel offers",
        on=NOTHING,
        body=EstimatorsRequest,
        answer=EstimatorList,
    )
    async def post(self, body: EstimatorsRequest) -> EstimatorList:
        """Return the estimators with the schemas of their parameters."""
        return await self.asking_kernel(
            lambda: self.services.kernels.ask(
                body.kernelspec, "estimators", {}, EstimatorList, self.services.probe_timeout
            )
        )


class ValidateHandler(MLKitHandler):
    """Validation before submit."""

    path = "train/validate"

    @endpoint(
        "execute", "train", "Validate a spec", on=NOTHING, body=SpecRequest, answer=Validation
    )
    async def post(self, body: SpecRequest) -> Validation:
        """Return every wrong field that can be found."""
        return await self.asking_kernel(self.services.validate, body.spec)


class PreviewHandler(MLKitHandler):
    """What a spec would train on."""

    path = "train/preview"

    @endpoint(
        "execute", "train", "Preview a training", on=NOTHING, body=SpecRequest, answer=Preview
    )
    async def post(self, body: SpecRequest) -> Preview:
        """Return realised shares, cost and a map of the split."""
        return await self.asking_kernel(self.services.preview, body.spec)


class TextHandler(MLKitHandler):
    """A spec as text."""

    path = "train/text"

    @endpoint("read", "train", "A spec as YAML and as Python", body=SpecRequest, answer=SpecText)
    async def post(self, body: SpecRequest) -> SpecText:
        """Return the texts that the form offers for copying."""
        from ..jobs.texts import spec_text

        return spec_text(body.spec)


HANDLERS = [
    SchemaHandler,
    KernelsHandler,
    KernelHandler,
    EstimatorsHandler,
    ValidateHandler,
    PreviewHandler,
    TextHandler,
]
