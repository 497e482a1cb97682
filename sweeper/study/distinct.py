"""A sampler that suggests no point twice."""

from collections.abc import Set
from typing import Any

from optuna import Study
from optuna.distributions import BaseDistribution
from optuna.samplers import BaseSampler, RandomSampler
from optuna.trial import FrozenTrial

from slimtune.sweeper.space.dimension import Scalar, Space
from slimtune.sweeper.space.search_space import SearchSpace, num_points_of, point_id, points_of
from slimtune.sweeper.study.distributions import distribution_of

# draws of the sampler before a point is taken that is left
MAX_DRAWS = 16
PointId = tuple[tuple[str, str], ...]


class DistinctSampler(BaseSampler):
    """Chooses a trial's whole point at once, and none that was chosen before.

    Where no point comes again, the values are those of the sampler inside.

    Args:
        inner: Draws the values.
        space: What is searched.
        taken: The points of the other trials, by `point_id`.
        seed: Of the draws where the sampler inside finds no new point.
    """

    def __init__(self, inner: BaseSampler, space: SearchSpace, taken: Set[PointId], *, seed: int) -> None:
        self._inner, self._space, self._taken = inner, space, taken
        self._random = RandomSampler(seed=seed)
        self._relative: dict[str, BaseDistribution] = {}

    def infer_relative_search_space(self, study: Study, trial: FrozenTrial) -> dict[str, BaseDistribution]:
        """Everything, so that nothing is drawn later."""
        self._relative = self._inner.infer_relative_search_space(study, trial)
        return {step.name: distribution_of(step.dimension) for step in self._space.every_step()}

    def sample_relative(
        self, study: Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        """A whole point that no other trial has, as long as there is one."""
        fixed: dict[str, Any] = trial.system_attrs.get("fixed_params", {})
        for _ in range(MAX_DRAWS):
            point = self._draw(study, trial, search_space, fixed)
            if point_id(point) not in self._taken or fixed.keys() >= self._space.named(point).keys():
                break
        else:
            point = self._left(study, trial) or point
        return self._space.named(point)

    def _draw(
        self, study: Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution], fixed: dict[str, Any]
    ) -> dict[str, Scalar]:
        relative = self._inner.sample_relative(study, trial, self._relative)
        point: dict[str, Scalar] = {}
        for name, key, _ in self._space.steps(point):
            if name in fixed:
                point[key] = fixed[name]
            elif name in relative and not search_space[name].single():
                point[key] = relative[name]
            else:
                point[key] = self.sample_independent(study, trial, name, search_space[name])
        return point

    def _left(self, study: Study, trial: FrozenTrial) -> dict[str, Scalar] | None:
        """Of the first branch that is not used up: the first point that is left, or of an endless one any."""
        for part in self._space.parts():
            if num_points_of(part) is None:
                return self._any(study, trial, part)
            for point in points_of(part):
                if point_id(point) not in self._taken:
                    return point
        return None

    def _any(self, study: Study, trial: FrozenTrial, part: Space) -> dict[str, Scalar]:
        known = {key: distribution_of(dimension) for key, dimension in part.items()}
        return {key: self._random.sample_independent(study, trial, key, one) for key, one in known.items()}

    def sample_independent(
        self, study: Study, trial: FrozenTrial, param_name: str, param_distribution: BaseDistribution
    ) -> Any:
        """As the sampler inside."""
        if param_distribution.single():
            return self._random.sample_independent(study, trial, param_name, param_distribution)
        return self._inner.sample_independent(study, trial, param_name, param_distribution)
