"""Optimizers as data: seven that Kyriakides (2022, chapters 4 and 5) trained every network with.

The thesis does not report its learning rates. Those here are this project's: of a grid, the one
with the best mean validation accuracy of eight random cells after 16 epochs of the recipe
`digits` (docs/studies.md has the grids). The rate stays constant, so that the first epochs of a
long training are a short one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from harness.recipes import Recipe


@dataclass(frozen=True)
class Optimizer:
    """An optimizer with a constant learning rate.

    Attributes:
        name: Its short name.
        kind: Its class in ``torch.optim``.
        rate: The learning rate.
        options: Its momentum, and whether that is Nesterov's, if it has one.
    """

    name: str
    kind: str
    rate: float
    options: Mapping[str, float | bool] = field(default_factory=dict)

    @property
    def described(self) -> str:
        """All its settings in one line, which can be a file's name."""
        others = "".join(f",{name}={value}" for name, value in self.options.items())
        return f"{self.name},lr={self.rate}{others}"

    def instead_of(self, recipe: Recipe) -> Recipe:
        """A recipe with this optimizer and its constant rate in place of its own."""
        return replace(
            recipe,
            optimizer=self.kind,
            learning_rate=self.rate,
            momentum=float(self.options.get("momentum", 0.0)),
            nesterov=bool(self.options.get("nesterov", False)),
            options={},
            schedule="constant",
            milestones=(),
            warmup_epochs=0,
        )


OPTIMIZERS = (
    Optimizer("adadelta", "Adadelta", 3.0),
    Optimizer("adam", "Adam", 0.01),
    Optimizer("adamax", "Adamax", 0.03),
    Optimizer("rmsprop", "RMSprop", 0.003),
    Optimizer("sgd", "SGD", 0.3),
    Optimizer("sgd-m", "SGD", 0.03, {"momentum": 0.9}),
    Optimizer("sgd-nm", "SGD", 0.03, {"momentum": 0.9, "nesterov": True}),
)
"""SGD-M has momentum, SGD-NM Nesterov's."""
