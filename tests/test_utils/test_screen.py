"""What comes through to the screen while a command runs."""

import logging
import warnings

from mmengine.logging import MMLogger, print_log
from mmengine.visualization import Visualizer
from mmseg.engine.hooks import SegVisualizationHook

from mmvisx.utils.screen import ON_SCREEN, current_screen, plain_console, quiet_screen
from tests.helpers.loggers import forget_loggers


def log(path):
    """A logger like a runner's, taken by the screen of the command."""
    forget_loggers()
    logger = MMLogger.get_instance('quiet', log_file=str(path))
    if current_screen() is not None:
        current_screen().take(logger)
    return logger


def speak(logger):
    logger.info('environment: 100 lines')
    logger.info('mixup is off', extra=ON_SCREEN)
    logger.warning('a warm-up is [shortened] %s', 'by half')
    logger.warning('"FileClient" will be deprecated in future. Please use ...')
    logger.error('a fault')


def test_warnings_and_what_is_marked(tmp_path, capsys):
    with quiet_screen():
        speak(log(tmp_path / 'run.log'))
        print_log('of any place', logger='current', level=logging.WARNING)
    assert capsys.readouterr().out.splitlines() == [
        'mixup is off',
        'warning: a warm-up is [shortened] by half',
        'error: a fault',
        'warning: of any place',
    ]
    file = (tmp_path / 'run.log').read_text()
    for text in ('100 lines', 'mixup', 'warm-up', 'FileClient', 'a fault', 'of any place'):
        assert file.count(text) == 1


def test_verbose_is_as_it_was(tmp_path, capsys):
    with quiet_screen(verbose=True):
        assert current_screen() is None
        speak(log(tmp_path / 'run.log'))
    out = capsys.readouterr().out
    assert 'environment: 100 lines' in out
    assert 'FileClient' in out


def test_everything_is_as_before_at_the_end(tmp_path, capsys):
    logger = log(tmp_path / 'run.log')
    before = list(logger.handlers)
    try:
        with quiet_screen():
            current_screen().take(logger)
            assert logger.handlers != before
            raise KeyError
    except KeyError:
        pass
    assert logger.handlers == before
    assert current_screen() is None


def test_pycocotools_speaks_to_the_log_file(tmp_path, capsys, tiny_coco):
    from pycocotools.coco import COCO

    file = str(tiny_coco / 'instances.json')
    with quiet_screen():
        log(tmp_path / 'run.log')
        COCO(file)
    assert capsys.readouterr().out == ''
    assert 'index created!' in (tmp_path / 'run.log').read_text()
    COCO(file)
    assert 'index created!' in capsys.readouterr().out


def test_python_s_warnings_stay_but_for_those_about_libraries_code():
    with quiet_screen(), warnings.catch_warnings(record=True) as found:
        warnings.warn('To copy construct from a tensor, it is recommended ...', stacklevel=1)
        warnings.warn('your labels are odd', stacklevel=1)
    assert [str(warning.message) for warning in found] == ['your labels are odd']


def test_other_prints_of_a_user_s_code_stay(capsys):
    with quiet_screen():
        print('shape of x: (2, 3)')
    assert capsys.readouterr().out == 'shape of x: (2, 3)\n'


def test_a_pipe_is_no_terminal_whatever_the_environment_says(monkeypatch, capsys):
    monkeypatch.setenv('FORCE_COLOR', '1')
    monkeypatch.setenv('TTY_INTERACTIVE', '1')
    console = plain_console()
    console.print('warning', style='yellow')
    assert not console.is_interactive
    assert capsys.readouterr().out == 'warning\n'


def test_hook_of_segmentation_that_draws_nothing_says_nothing(recwarn):
    Visualizer.get_instance('screen')
    with quiet_screen():
        SegVisualizationHook(draw=False)
    assert not [str(item.message) for item in recwarn if 'draw' in str(item.message)]
    with quiet_screen(verbose=True):
        SegVisualizationHook(draw=False)
    assert [str(item.message) for item in recwarn if 'draw' in str(item.message)]
