"""A bundle's encoder: a model of its own, or a causal one whose last token is looked at."""

# B rows, T tokens, C classes

from collections.abc import Mapping

import numpy as np

from slimtune.export.bundle.bundle import TOKENIZER, RunnableModel
from slimtune.export.graph_names import INPUTS, LOGITS, POSITIONS
from slimtune.export.runtime.encoder_session import EncoderSession, TextSettings
from slimtune.export.runtime.execution import execution_for
from slimtune.export.runtime.generation_session import empty_past, positions


class LastTokenSession(EncoderSession):
    """A causal graph whose adapter has a classifier's head in the place of the output embedding.

    Scores are those of the last token that is no padding, as transformers' causal models classify.
    """

    def _run(self, feed: Mapping[str, np.ndarray]) -> np.ndarray:
        ids_BT, mask_BT = (feed[name] for name in INPUTS)
        more = {POSITIONS: positions(mask_BT)} if POSITIONS in self._inputs else {}
        past = empty_past(self._inputs, len(ids_BT))
        (scores_BTC,) = self._session.run([LOGITS], {**feed, **more, **past})
        # transformers takes an end-of-sequence token that pads as well for padding
        is_real_BT = (mask_BT > 0) & (ids_BT != self._settings.pad_id)
        last_B = np.where(is_real_BT, np.arange(ids_BT.shape[1]), 0).max(axis=1)
        return np.asarray(scores_BTC[np.arange(len(ids_BT)), last_B], dtype=np.float32)


def encoder_of(model: RunnableModel) -> EncoderSession:
    """A model's encoder, with its adapter switched on if it is one of several."""
    interface = model.interface
    settings = TextSettings(interface.max_length, interface.pad_id, interface.stride, interface.truncation_side)
    kind = LastTokenSession if interface.last_token else EncoderSession
    session = kind(model.folder, model.folder / TOKENIZER, settings, execution=execution_for(model.target))
    return session if model.adapter is None else session.with_adapter(model.adapter)
