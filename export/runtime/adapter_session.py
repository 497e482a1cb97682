"""An adapter that is switched on over a base's graph, run by run; the base is loaded once."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime

from slimtune.training.errors import ModelError


class AdapterSession:
    """A base's session with one adapter switched on; others of the same base run beside it.

    Args:
        session: Of the base, as `slimtune adapters` writes it.
        adapter: An `.onnx_adapter` file.

    Raises:
        ModelError: The file is broken.
    """

    def __init__(self, session: onnxruntime.InferenceSession, adapter: Path) -> None:
        self._session = session
        # the options do not keep it alive
        self._adapter = onnxruntime.LoraAdapter()
        try:
            self._adapter.Load(str(adapter))
        except Exception as error:
            # onnxruntime's errors have no other base
            raise ModelError(
                f"{adapter} is broken: onnxruntime finds no adapter in it; run slimtune adapters again"
            ) from error
        self._options = onnxruntime.RunOptions()
        self._options.add_active_adapter(self._adapter)

    def get_inputs(self) -> Sequence[Any]:
        """Those of the base without the adapters'."""
        return list(self._session.get_inputs())

    def get_outputs(self) -> Sequence[Any]:
        """Those of the base."""
        return list(self._session.get_outputs())

    def run(self, outputs: Sequence[str] | None, feed: Mapping[str, np.ndarray]) -> list[np.ndarray]:
        """As onnxruntime's, with the adapter."""
        found: list[np.ndarray] = self._session.run(outputs, dict(feed), self._options)
        return found
