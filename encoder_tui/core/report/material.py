"""The content of a report, collected by the command and by the window."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from encoder_tui.core.documents.lengths import CollectionCounts
from encoder_tui.core.models.ready import RequestedModel
from encoder_tui.core.outputs.runs import RunAnswer
from encoder_tui.core.parameters.description import Description
from encoder_tui.core.report.reproduce_predictions import HeadToReproduce
from encoder_tui.core.report.reproduce_tasks import PipelineToReproduce
from encoder_tui.core.settings import Settings
from encoder_tui.core.tasks.encoding import EncodeAnswer
from encoder_tui.core.tasks.predictions import Predicted
from encoder_tui.core.timing.samples import Environment, Samples
from encoder_tui.core.tokens.comparison import Comparison


def now() -> str:
    """Return the current time in the format of a report's heading."""
    return time.strftime("%Y-%m-%d %H:%M %Z")


@dataclass
class ReportedRun:
    """The outputs of a model for the text or the document; `letter` is the model's."""

    letter: str
    name: str
    answer: RunAnswer | None = None
    error: str = ""


@dataclass
class ReportedVectors:
    """What a deployed model makes of the texts; `name` is the model's, and `reproduced` what a script needs of it."""

    letter: str
    name: str
    answer: EncodeAnswer | None = None
    reproduced: PipelineToReproduce | None = None
    error: str = ""


@dataclass
class ReportedPredictions:
    """What a model's head says of the texts; `error` also says that it has no head for them."""

    letter: str
    name: str
    found: Predicted | None = None
    reproduced: HeadToReproduce | None = None
    error: str = ""


@dataclass
class ReportedTiming:
    """Measured points with their labels, the model of each label, and the machine that measured them."""

    points: list[tuple[str, Samples]]
    names: dict[str, str]
    environment: Environment | None = None
    about: str = ""


@dataclass
class Material:
    """The content of a report. If a field is None or empty it is not known, and its section says so.

    `encoded` are the texts that `vectors` are of, `predicted` those of `predictions`.
    """

    models: list[RequestedModel]
    settings: Settings = field(default_factory=Settings)
    made: str = ""
    versions: dict[str, str] = field(default_factory=dict)
    text: str = ""
    comparison: Comparison | None = None
    descriptions: list[Description | None] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)
    counts: CollectionCounts | None = None
    document: str = ""
    run_of: str = "the text"
    runs: list[ReportedRun] = field(default_factory=list)
    encoded: list[str] = field(default_factory=list)
    vectors: list[ReportedVectors] = field(default_factory=list)
    predicted: list[str] = field(default_factory=list)
    predictions: list[ReportedPredictions] = field(default_factory=list)
    timing: ReportedTiming | None = None

    @property
    def letters(self) -> list[str]:
        """The letter of each model."""
        return [model.letter for model in self.models]
