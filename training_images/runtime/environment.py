"""Where a training job finds its inputs and leaves its results.

The platform fixes the layout under /opt/ml; SM_* variables, as SageMaker's training toolkit sets them, move single
places, and CHORALE_ML_ROOT moves all of them. Nothing is read when this module is imported.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

DEFAULT_ROOT = "/opt/ml"
ROOT_VARIABLE = "CHORALE_ML_ROOT"
CHANNEL_PREFIX = "SM_CHANNEL_"


@dataclass(frozen=True)
class Environment:
    """The folders and documents of one job."""

    input_directory: Path  # config/ and data/ in it
    model_directory: Path  # what is here becomes model.tar.gz
    output_directory: Path  # the failure file
    output_data_directory: Path  # what is here becomes output.tar.gz
    checkpoint_directory: Path
    channels: Mapping[str, Path]  # by name
    hyperparameters: Mapping[str, str]
    resources: Mapping[str, Any]  # resourceconfig.json

    @classmethod
    def read(cls, variables: Mapping[str, str]) -> "Environment":
        """The environment that these variables and the files on disk describe. A document that is missing is empty."""
        root = Path(variables.get(ROOT_VARIABLE, DEFAULT_ROOT))
        input_directory = Path(variables.get("SM_INPUT_DIR", root / "input"))
        output_directory = Path(variables.get("SM_OUTPUT_DIR", root / "output"))
        config = Path(variables.get("SM_INPUT_CONFIG_DIR", input_directory / "config"))
        return cls(
            input_directory=input_directory,
            model_directory=Path(variables.get("SM_MODEL_DIR", root / "model")),
            output_directory=output_directory,
            output_data_directory=Path(variables.get("SM_OUTPUT_DATA_DIR", output_directory / "data")),
            checkpoint_directory=root / "checkpoints",
            channels=_channels(input_directory, _document(config / "inputdataconfig.json"), variables),
            hyperparameters=_document(config / "hyperparameters.json"),
            resources=_document(config / "resourceconfig.json"),
        )

    @property
    def failure_file(self) -> Path:
        return self.output_directory / "failure"


def _channels(input_directory: Path, declared: Mapping[str, Any], variables: Mapping[str, str]) -> dict[str, Path]:
    channels = {name: input_directory / "data" / name for name in declared}
    for variable, value in variables.items():
        if variable.startswith(CHANNEL_PREFIX):
            channels[variable.removeprefix(CHANNEL_PREFIX).lower()] = Path(value)
    return channels


def _document(path: Path) -> dict[str, Any]:
    """A JSON object. Raises ValueError, naming the file, for anything else."""
    try:
        document = json.loads(path.read_text())
    except FileNotFoundError:
        return {}
    except ValueError as error:
        raise ValueError(f"{path} is not JSON: {error}") from error
    if not isinstance(document, dict):
        raise ValueError(f"{path} must hold a JSON object")
    return document
