"""Run a trained model on images: what the inferencers of all tasks have in common."""

from __future__ import annotations

import copy
import json
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, ClassVar, Generic, cast

import mmcv
import numpy as np
import torch
from mmengine.config import Config
from mmengine.dataset import pseudo_collate
from mmengine.model import revert_sync_batchnorm
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from mmvisx.apis.build import build_model
from mmvisx.utils.config import load_config
from mmvisx.utils.errors import UserError
from mmvisx.utils.screen import plain_console
from mmvisx.utils.tasks import TASKS, task_of

from .inputs import Inputs, expand, listed
from .options import Option, complete
from .outputs import OutputFolder
from .reading import Reader, Sample
from .results import P, Picture, Results

__all__ = ['ImageInferencer']


class ImageInferencer(Generic[P]):
    """A model of a config with the weights of a checkpoint, for images from anywhere.

    A subclass says which task it is for, what a prediction is in plain values
    (:meth:`describe`), how it is drawn (:meth:`draw`) and what is written of it
    (:meth:`write`). The test pipeline, the data preprocessor and the class names are those of
    config and checkpoint.

    MMEngine's ``BaseInferencer`` and those on it are not used: they list all inputs before the
    first forward pass, draw when all are predicted (so memory grows with the number of images),
    end at the first broken file, load weights without a check and know no
    ``data_preprocessor`` outside ``model``; what would be left of them is an interface.

    Args:
        config: Config file or config.
        checkpoint: Checkpoint file.
        device: ``'cpu'``, ``'cuda:0'``, ...; ``None``: a GPU if there is one.
        allow_partial: Accept a checkpoint that lacks weights of the model.
        show_progress: Show a bar with the time left.

    Attributes:
        failed: Of the last call with ``skip_unreadable``: (path or number of the input, reason).

    Raises:
        UserError: Config or checkpoint is missing or broken, they do not fit together, or the
            config is of another task.
    """

    scope: ClassVar[str]
    """``default_scope`` of the task's configs."""
    options: ClassVar[dict[str, Option]] = {}
    """What a call takes besides: for :meth:`describe`, :meth:`draw` and :meth:`shown`."""
    pads: ClassVar[bool] = False
    """Whether images of different sizes make a batch; else the sizes part it."""
    short_names: ClassVar[bool] = False
    """Whether files are called like the image without its ending."""
    array_ending: ClassVar[str] = ''
    """Ending of the names that arrays get."""

    def __init__(
        self,
        config: str | Path | Config,
        checkpoint: str | Path,
        device: str | None = None,
        allow_partial: bool = False,
        show_progress: bool = True,
    ) -> None:
        cfg = copy.deepcopy(config) if isinstance(config, Config) else load_config(config)
        task = task_of(cfg)
        if task.scope != self.scope:
            raise UserError(
                f'default_scope={task.scope!r} of the config: this is not a '
                f'{TASKS[self.scope].model} ({self.scope}); mmvisx.apis.inferencer_for and '
                'demo/image_demo.py take any task'
            )
        self.cfg = cfg
        self.show_progress = show_progress
        self.failed: list[tuple[str, str]] = []
        self._read = Reader(cfg)
        self.device = torch.device(device or ('cuda' if torch.cuda.is_available() else 'cpu'))
        model = build_model(cfg, checkpoint, self.device, allow_partial)
        self.model: Any = revert_sync_batchnorm(model)
        self.model.cfg = cfg

    def __call__(
        self,
        inputs: Inputs,
        batch_size: int = 1,
        *,
        return_vis: bool = False,
        out_dir: str | Path | None = None,
        skip_unreadable: bool = False,
        **options: float,
    ) -> Results[P]:
        """Predict.

        Args:
            inputs: Image paths, folders (their images, not those of folders inside) and arrays
                ``(H, W, 3)`` uint8 in the channel order of ``cv2.imread`` (BGR): one, a list,
                or a generator, which is asked for no more than a batch at a time.
            batch_size: Images a forward pass.
            return_vis: Return the drawn pictures, too.
            out_dir: Write the pictures into ``vis/`` and the predictions into ``preds/``,
                batch by batch.
            skip_unreadable: List images that cannot be read or predicted in :attr:`failed` and
                go on, in place of raising.
            **options: :attr:`options` of the task.

        Returns:
            ``predictions``: a dict per image with ``img_path`` (``None`` for an array) and what
            :meth:`describe` returns. ``visualization``: the pictures, RGB ``(H', W', 3)``
            uint8, when ``return_vis``.

        Raises:
            UserError: An input does not exist or is no image, or a number is out of range.
        """
        results = self.stream(
            inputs,
            batch_size,
            return_vis=return_vis,
            out_dir=out_dir,
            skip_unreadable=skip_unreadable,
            **options,
        )
        found: Results[P] = {'predictions': [], 'visualization': []}
        for prediction, picture in results:
            found['predictions'].append(prediction)
            if return_vis and picture is not None:
                found['visualization'].append(picture)
        return found

    def stream(
        self,
        inputs: Inputs,
        batch_size: int = 1,
        *,
        return_vis: bool = False,
        out_dir: str | Path | None = None,
        skip_unreadable: bool = False,
        **options: float,
    ) -> Iterator[tuple[P, Picture | None]]:
        """Predict as by a call, but yield (prediction, picture or ``None``) one by one.

        Of any number of inputs, no more than a batch is in memory.
        """
        Option(1, 1).check('batch_size', batch_size)
        chosen = complete(options, self.options)
        sources = listed(inputs)
        target = None
        if out_dir is not None:
            paths = sources if isinstance(sources, list) else ()
            target = OutputFolder(
                out_dir, (p for p in paths if isinstance(p, str)), self.short_names
            )
        self.failed = []
        return self._stream(sources, batch_size, skip_unreadable, return_vis, target, chosen)

    def describe(self, sample: Any, options: dict[str, Any]) -> dict[str, Any]:
        """Return a prediction of the network in plain values."""
        raise NotImplementedError

    def draw(
        self,
        image: np.ndarray,
        sample: Any,
        prediction: dict[str, Any],
        options: dict[str, Any],
    ) -> np.ndarray:
        """Return the picture of a prediction, RGB ``(H', W', 3)`` uint8.

        Args:
            image: RGB ``(H, W, 3)`` uint8.
            sample: What the network returned for it.
            prediction: The same in plain values (:meth:`describe`).
            options: Of the call.
        """
        raise NotImplementedError

    def shown(self, prediction: dict[str, Any], options: dict[str, Any]) -> list[str]:
        """Return the class names in the picture, to be counted for :meth:`summary`."""
        return []

    def summary(self, found: Counter[str]) -> str:
        """Say in a few words what was found in all images."""
        return ''

    def write(self, prediction: dict[str, Any], folder: Path, name: str) -> None:
        """Write a prediction into a folder, as ``{name}.json``."""
        (folder / f'{name}.json').write_text(json.dumps(prediction), encoding='utf-8')

    def picture_name(self, name: str) -> str:
        """Return the file name of the picture of an image called ``name``."""
        return f'{name}.png'

    def _stream(
        self,
        sources: Iterable[Any],
        batch_size: int,
        skip: bool,
        return_vis: bool,
        target: OutputFolder | None,
        options: dict[str, Any],
    ) -> Iterator[tuple[P, Picture | None]]:
        drawn = return_vis or target is not None
        total = len(sources) if isinstance(sources, list) else None
        columns = (TextColumn('images'), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        done = 0
        with Progress(
            *columns, console=plain_console(), disable=not self.show_progress
        ) as progress:
            task = progress.add_task('', total=total)
            for batch in self._batches(sources, batch_size, skip, drawn):
                for sample, found in self._predict(batch, skip):
                    prediction = {'img_path': sample.path, **self.describe(found, options)}
                    picture = None
                    if sample.picture is not None:
                        picture = self.draw(sample.picture, found, prediction, options)
                    if target is not None and picture is not None:
                        name = sample.path or f'{done:08d}{self.array_ending}'
                        self._save(prediction, picture, target, name)
                    done += 1
                    yield cast('P', prediction), picture
                progress.update(task, completed=done + len(self.failed))

    def _save(
        self,
        prediction: dict[str, Any],
        picture: np.ndarray,
        target: OutputFolder,
        source: str,
    ) -> None:
        name = target.name(source)
        mmcv.imwrite(picture[..., ::-1], str(target.vis / self.picture_name(name)))
        self.write(prediction, target.preds, name)

    def _batches(
        self, sources: Iterable[Any], size: int, skip: bool, drawn: bool
    ) -> Iterator[list[Sample]]:
        batch: list[Sample] = []
        for sample in self._samples(sources, skip, drawn):
            if batch and not self.pads and sample.shape != batch[0].shape:
                yield batch
                batch.clear()  # of who used it, too: it should not live beside the next
            batch.append(sample)
            if len(batch) == size:
                yield batch
                batch.clear()
        if batch:
            yield batch

    def _samples(self, sources: Iterable[Any], skip: bool, drawn: bool) -> Iterator[Sample]:
        for place, source in enumerate(sources):
            name = str(source) if isinstance(source, str | Path) else f'input {place}'
            try:
                images = expand(source)
            except UserError as error:
                self._fail(name, error, skip)
                continue
            for image in images:
                try:
                    sample = self._read(image, name, drawn)
                except Exception as error:
                    self._fail(image if isinstance(image, str) else name, error, skip)
                else:
                    yield sample

    def _predict(self, batch: list[Sample], skip: bool) -> list[tuple[Sample, Any]]:
        try:
            with torch.no_grad():
                found = self.model.test_step(pseudo_collate([sample.data for sample in batch]))
            return list(zip(batch, found, strict=True))
        except Exception as error:
            if len(batch) == 1:
                self._fail(batch[0].name, error, skip)
                return []
        # One image of several fails: which?
        return [pair for sample in batch for pair in self._predict([sample], skip)]

    def _fail(self, name: str, error: Exception, skip: bool) -> None:
        if not isinstance(error, UserError):
            reason = str(error).partition('\n')[0]
            fault = UserError(f'{name} cannot be predicted: {type(error).__name__}: {reason}')
            fault.__cause__ = error
            error = fault
        if not skip:
            raise error
        self.failed.append((name, str(error)))
