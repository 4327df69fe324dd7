"""What a sweep searches and with what: the space in the reader's words, Optuna's study behind it, and what mattered.

Optuna is imported where it is used: it takes half a second.
"""

import difflib
import inspect
import math
import warnings
from collections.abc import Callable, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    from optuna import Study
    from optuna.distributions import BaseDistribution
    from optuna.pruners import BasePruner
    from optuna.samplers import BaseSampler
    from optuna.storages import BaseStorage

    Distributions = dict[str, BaseDistribution]

Goal = tuple[str, str]
Space = Mapping[str, tuple[Any, ...] | Sequence[Any]]
LEAST = 4  # trials with a value below which nothing is said of importance
EXAMPLE = '{"lr": (1e-4, 1e-1, "log"), "dropout": (0.0, 0.5), "width": [16, 32, 64]}'


def optuna() -> Any:
    """The module. Raises: ModuleNotFoundError that says how to install it."""
    try:
        import optuna
    except ModuleNotFoundError:
        raise ModuleNotFoundError("dl.sweep searches with Optuna: install it with `pip install optuna`") from None
    return optuna


def read_space(space: Space) -> "Distributions":
    """The space as Optuna's distributions.

    `(low, high)` is any number between them, both included; of two whole numbers it is a whole number, so write
    `(0.0, 1.0)` for a share. `(low, high, "log")` spreads them evenly over the powers of ten. `[a, b, c]` is one of
    these.

    Raises: TypeError or ValueError in words if an entry is none of these.

    >>> read_space({"width": [16, 32], "lr": (1e-4, 0.1, "log"), "layers": (1, 4)})["layers"]
    IntDistribution(high=4, log=False, low=1, step=1)
    """
    if not isinstance(space, Mapping) or not space:
        raise TypeError(f"the space must be a dictionary of at least one setting, such as {EXAMPLE}; got {space!r}")
    return {_name(name): _distribution(name, entry) for name, entry in space.items()}


def _name(name: Any) -> str:
    if not isinstance(name, str) or not name.isidentifier():
        raise ValueError(f"a setting is named as an argument of make_run, such as 'lr'; got {name!r}")
    return name


def _distribution(name: str, entry: Any) -> "BaseDistribution":
    distributions = optuna().distributions
    if isinstance(entry, list):
        if not entry:
            raise ValueError(f"the list of {name!r} is empty: give the values to choose from")
        for choice in entry:
            if choice is not None and not isinstance(choice, (bool, int, float, str)):
                raise TypeError(
                    f"{name!r} can be chosen among numbers, texts, True, False and None, not {choice!r}. "
                    "Give names, and turn a name into what it means inside make_run."
                )
        return distributions.CategoricalDistribution(entry)
    if not isinstance(entry, tuple) or len(entry) not in (2, 3):
        raise TypeError(f'{name!r} must be (low, high), (low, high, "log") or a list of choices; got {entry!r}')
    low, high, *how = entry
    for end in (low, high):
        if isinstance(end, bool) or not isinstance(end, (int, float)) or not math.isfinite(end):
            raise ValueError(f"the ends of {name!r} must be finite numbers; got {end!r}")
    if how and how != ["log"]:
        raise ValueError(f'the third part of {name!r} can only be "log"; got {how[0]!r}. A list gives single values.')
    if not low < high:
        raise ValueError(f"the range of {name!r} goes from {low!r} to {high!r}: the first must be the smaller one")
    if how and low <= 0:
        raise ValueError(f'{name!r} begins at {low!r}, where a logarithm ends: give a low above 0, or leave "log" out')
    if isinstance(low, int) and isinstance(high, int):
        return distributions.IntDistribution(low, high, log=bool(how))
    return distributions.FloatDistribution(float(low), float(high), log=bool(how))


def check_make_run(make_run: Callable[..., Any], names: Sequence[str]) -> None:
    """Raises: TypeError in words if make_run cannot be called with the settings of the space."""
    if not callable(make_run):
        raise TypeError(
            f"make_run must be a function of the settings that returns a run; got {type(make_run).__name__}"
        )
    try:
        signature = inspect.signature(make_run)
    except ValueError:
        return  # it does not say what it takes
    try:
        signature.bind(**dict.fromkeys(names))
    except TypeError as error:
        taken = [name for name in signature.parameters]
        unknown = [name for name in names if name not in taken]
        near = [match for name in unknown for match in difflib.get_close_matches(name, taken, n=1, cutoff=0.5)]
        hint = f" Did you mean {near[0]!r}?" if near else ""
        raise TypeError(f"make_run{signature} does not fit a space of {', '.join(names)}: {error}.{hint}") from None


def read_goal(goal: Any) -> Goal:
    """The column of the history that judges a run, and which way. Raises: ValueError in words."""
    fits = isinstance(goal, (tuple, list)) and len(goal) == 2 and isinstance(goal[0], str)
    if not fits or goal[1] not in ("minimize", "maximize"):
        raise ValueError(
            f'the goal must be like ("valid_loss", "minimize") or ("valid_accuracy", "maximize"); got {goal!r}'
        )
    return goal[0], goal[1]


def combinations(distributions: "Distributions") -> int | None:
    """How many settings a space of lists has; None if it has a range."""
    lists = [distribution for distribution in distributions.values() if hasattr(distribution, "choices")]
    return math.prod(len(one.choices) for one in lists) if len(lists) == len(distributions) else None


def open_study(
    distributions: "Distributions",
    goal: Goal,
    trials: int,
    sampler: "BaseSampler | None",
    pruner: "BasePruner | None",
    storage: "str | BaseStorage | None",
    name: str | None,
    seed: int,
    at_random: bool,
) -> "Study":
    """The study: a new one, or in a storage the one of that name.

    sampler: unless given, every combination once where the space has no more of them than trials; else TPE; else, if
        `at_random`, Sobol's points, which fill the space more evenly than chance. In a storage several processes
        search together, so each draws from a seed of its own.
    pruner: unless given, the median: a run that is worse, at its second look or later, than half of the runs before it
        were there, is stopped. Hyperband judges better only where there are many more trials than the 20 of a sweep,
        as it shares them out among its brackets.

    Raises: ValueError if the study in the storage has another goal.
    """
    module = optuna()
    own_seed = seed if storage is None else None
    if sampler is None:
        number = combinations(distributions)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Optuna calls some of these experimental
            if number is not None and number <= trials:
                choices = {name: list(one.choices) for name, one in distributions.items()}  # type: ignore[attr-defined]
                sampler = module.samplers.GridSampler(choices, seed=own_seed)
            elif at_random:
                sampler = module.samplers.QMCSampler(scramble=True, seed=own_seed, warn_independent_sampling=False)
            else:
                sampler = module.samplers.TPESampler(seed=own_seed, constant_liar=True)
    with _quiet():
        study = module.create_study(
            storage=storage,
            sampler=sampler,
            pruner=pruner or module.pruners.MedianPruner(n_startup_trials=5, n_warmup_steps=2),
            study_name=name,
            direction=goal[1],
            load_if_exists=storage is not None,
        )
    before = study.user_attrs.get("goal")
    if study.direction.name.lower() != goal[1] or before not in (None, goal[0]):
        raise ValueError(
            f"the study {study.study_name!r} in this storage looks for another goal "
            f"({before}, {study.direction.name.lower()}): give another name"
        )
    study.set_user_attr("goal", goal[0])
    return study


def importance(
    distributions: "Distributions", direction: str, rows: Sequence[tuple[dict[str, Any], float]], evaluator: Any = None
) -> dict[str, float]:
    """How much each setting decided whether a trial was among the good ones; the shares add up to 1.

    rows: settings and value of each trial that ended. Empty if there are too few of them to say anything.
    evaluator: one of `optuna.importance`; PED-ANOVA unless given (Watanabe et al. 2023, arXiv:2304.10255).
    """
    rows = [(settings, value) for settings, value in rows if math.isfinite(value)]
    if len(rows) < LEAST or len({value for _, value in rows}) == 1:
        return {}
    module = optuna()
    with _quiet(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        study = module.create_study(direction=direction)
        for settings, value in rows:
            study.add_trial(module.trial.create_trial(params=settings, distributions=distributions, value=value))
        found = module.importance.get_param_importances(
            study, evaluator=evaluator or module.importance.PedAnovaImportanceEvaluator()
        )
    return {name: float(share) for name, share in found.items()}


@contextmanager
def _quiet() -> "Iterator[None]":
    """Optuna tells of each study it makes on stderr, which would land in some cell."""
    logging = optuna().logging
    level = logging.get_verbosity()
    logging.set_verbosity(logging.WARNING)
    try:
        yield
    finally:
        logging.set_verbosity(level)
