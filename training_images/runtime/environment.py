"""Where a training job finds its inputs and leaves its results.

The platform fixes the layout under /opt/ml; SM_* variables, as SageMaker's training toolkit sets them, move single
places, and CHORALE_ML_ROOT moves all of them. Nothing is read when this module is imported.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from training_images.runtime.errors import AlgorithmError

DEFAULT_ROOT = "/opt/ml"
ROOT_VARIABLE = "CHORALE_ML_ROOT"
CHANNEL_PREFIX = "SM_CHANNEL_"


@dataclass(frozen=True)
class Environment:
    """The folders of one job, and the documents in them, read when first asked for.

    A document that is missing is empty; one that is not a JSON object raises AlgorithmError.
    """

    data_directory: Path  # a folder for each input channel
    config_directory: Path
    model_directory: Path  # what is here becomes model.tar.gz
    output_directory: Path  # the failure file
    output_data_directory: Path  # what is here becomes output.tar.gz
    checkpoint_directory: Path
    moved_channels: Mapping[str, Path]

    @classmethod
    def of(cls, variables: Mapping[str, str]) -> "Environment":
        """The environment that these variables describe."""
        root = Path(variables.get(ROOT_VARIABLE, DEFAULT_ROOT))
        input_directory = Path(variables.get("SM_INPUT_DIR", root / "input"))
        output_directory = Path(variables.get("SM_OUTPUT_DIR", root / "output"))
        return cls(
            data_directory=input_directory / "data",
            config_directory=Path(variables.get("SM_INPUT_CONFIG_DIR", input_directory / "config")),
            model_directory=Path(variables.get("SM_MODEL_DIR", root / "model")),
            output_directory=output_directory,
            output_data_directory=Path(variables.get("SM_OUTPUT_DATA_DIR", output_directory / "data")),
            checkpoint_directory=root / "checkpoints",
            moved_channels={
                variable.removeprefix(CHANNEL_PREFIX).lower(): Path(value)
                for variable, value in variables.items()
                if variable.startswith(CHANNEL_PREFIX)
            },
        )

    @property
    def failure_file(self) -> Path:
        return self.output_directory / "failure"

    @cached_property
    def channels(self) -> Mapping[str, Path]:
        """The folders of the input channels, by name."""
        declared = {name: self.data_directory / name for name in self._document("inputdataconfig.json")}
        return {**declared, **self.moved_channels}

    @cached_property
    def hyperparameters(self) -> Mapping[str, str]:
        return self._document("hyperparameters.json")

    @cached_property
    def resources(self) -> Mapping[str, Any]:
        """This host, all hosts, the network interface."""
        return self._document("resourceconfig.json")

    def _document(self, name: str) -> dict[str, Any]:
        path = self.config_directory / name
        try:
            document = json.loads(path.read_text())
        except FileNotFoundError:
            return {}
        except ValueError as error:
            raise AlgorithmError(f"{path} is not JSON: {error}.") from error
        if not isinstance(document, dict):
            raise AlgorithmError(f"{path} must hold a JSON object.")
        return document
