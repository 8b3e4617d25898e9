"""Files that create a canary when something that they bring along is run.

Each of :data:`CHECKPOINTS` takes a path and the canary's, and writes a checkpoint whose state dict
is whole, so that nothing but its reader can stop it.
"""

import io
import os
import pickle
import struct
import sys
import tarfile
import zipfile
from pathlib import Path

import torch
from mmengine.logging import HistoryBuffer


class Call:
    """Pickled, a call of a function."""

    def __init__(self, function, *args):
        self.reduced = function, args

    def __reduce__(self):
        return self.reduced


class Built:
    """Creates the canary when its state is set."""

    def __init__(self, canary):
        self.canary = canary

    def __getstate__(self):
        return {'canary': self.canary}

    def __setstate__(self, state):
        Path(state['canary']).touch()


class Made:
    """Creates the canary when it is made."""

    def __new__(cls, canary):
        Path(canary).touch()
        return super().__new__(cls)

    def __init__(self, canary):
        self.canary = canary

    def __reduce_ex__(self, protocol):
        return Made.__new__, (Made, self.canary)


class Filled(list):
    """Creates the canary when it is filled."""

    def extend(self, items):
        Path(items[0]).touch()

    append = __setitem__ = extend


def touch(path):
    """Create the canary: what hostile pickles call by name."""
    Path(path).touch()


def weights():
    return {'0.weight': torch.ones(2, 3), '0.bias': torch.zeros(2)}


def _save(content, path, **kwargs):
    torch.save({'meta': {}, 'message_hub': {}, 'state_dict': weights(), **content}, path, **kwargs)


def code(canary):
    return f'import pathlib\npathlib.Path({str(canary)!r}).touch()'


def reduce(path, canary):
    _save({'evil': Call(os.system, f'touch {canary}')}, path)


def evaluated(path, canary):
    _save({'evil': Call(exec, code(canary))}, path)


def helper_function(path, canary):
    _save({'evil': Call(touch, str(canary))}, path)


def newer_protocol(path, canary):
    _save({'evil': Call(touch, str(canary))}, path, pickle_protocol=4)


def built(path, canary):
    _save({'evil': Built(str(canary))}, path)


def made(path, canary):
    _save({'evil': Made(str(canary))}, path)
    Path(canary).unlink()  # it was made here, too


def filled(path, canary):
    _save({'evil': Filled([str(canary)])}, path)


def inside_weights(path, canary):
    state = {**weights(), 'evil': Call(touch, str(canary))}
    _save({'state_dict': state}, path)


def in_a_history(path, canary):
    """What MMEngine's own reader lets through: its histories, ``getattr``, NumPy's arrays."""
    buffer = HistoryBuffer([1.0], [1])
    buffer.__dict__['evil'] = Call(getattr, Call(__import__, 'os'), 'system')
    buffer.__dict__['worse'] = Call(os.system, f'touch {canary}')
    _save({'message_hub': {'log_scalars': {'loss': buffer}}}, path)


def attribute_chain(path, canary):
    """``getattr(HistoryBuffer.mean, '__globals__')['__builtins__']['exec'](...)`` in opcodes."""

    def attribute(of, name):
        return b'c__builtin__\ngetattr\n(' + of + _text(name) + b'tR'

    def item(of, name):
        return attribute(of, '__getitem__') + b'(' + _text(name) + b'tR'

    chain = b'cmmengine.logging.history_buffer\nHistoryBuffer\n'
    chain = attribute(attribute(chain, 'mean'), '__globals__')
    run = item(item(chain, '__builtins__'), 'exec')
    _raw(path, run + b'(' + _text(code(canary)) + b'tR')


def _text(value):
    data = value.encode()
    return b'X' + struct.pack('<I', len(data)) + data


def _raw(path, evil):
    """A checkpoint of today's format with opcodes of one's own in it."""
    _save({'evil': 'HERE'}, path)
    with zipfile.ZipFile(path) as archive:
        records = {name: archive.read(name) for name in archive.namelist()}
    (name,) = [name for name in records if name.endswith('data.pkl')]
    assert _text('HERE') in records[name]
    records[name] = records[name].replace(_text('HERE'), evil, 1)
    with zipfile.ZipFile(path, 'w') as archive:
        for record, data in records.items():
            archive.writestr(record, data)


def rebuilt_tensor(path, canary):
    """A function of PyTorch's own, which calls the one that it is given."""
    call = b'ctorch._tensor\n_rebuild_from_type_v2\n(c' + __name__.encode() + b'\ntouch\n'
    call += b'ctorch\nTensor\n(' + _text(str(canary)) + b'tN' + b'tR'
    _raw(path, call)


def bytes_of_a_pickle(path, canary):
    evil = pickle.dumps(Call(touch, str(canary)), protocol=2)
    _save({'evil': Call(torch.storage._load_from_bytes, evil)}, path)


def imported(path, canary):
    """A module of one's own beside the checkpoint: its import is enough."""
    name = f'hostile_module_{abs(hash(str(path)))}'
    folder = Path(path).parent / 'modules'
    folder.mkdir(exist_ok=True)
    (folder / f'{name}.py').write_text(f'{code(canary)}\nclass Harmless: pass\n')
    sys.path.append(str(folder))
    _raw(path, f'c{name}\nHarmless\n'.encode() + b')R')


def legacy(path, canary):
    _save({'evil': Call(touch, str(canary))}, path, _use_new_zipfile_serialization=False)


def legacy_first(path, canary):
    """The pickle that stands where the magic number should."""
    Path(path).write_bytes(pickle.dumps(Call(touch, str(canary)), protocol=2) * 5)


def plain_pickle(path, canary):
    content = {'state_dict': {'0.weight': 1}, 'evil': Call(touch, str(canary))}
    Path(path).write_bytes(pickle.dumps(content))


def legacy_tar(path, canary):
    evil = pickle.dumps(Call(touch, str(canary)), protocol=2)
    with tarfile.open(path, 'w:', format=tarfile.PAX_FORMAT) as tar:
        for name in ('sys_info', 'pickle', 'storages', 'tensors'):
            member = tarfile.TarInfo(name)
            member.size = len(evil)
            tar.addfile(member, io.BytesIO(evil))


def nested_zip(path, canary):
    legacy(path, canary)
    inner = Path(path).read_bytes()
    with zipfile.ZipFile(path, 'w') as archive:
        archive.writestr('inner.pth', inner)


CHECKPOINTS = {
    function.__name__: function
    for function in (
        reduce, evaluated, helper_function, newer_protocol, built, made, filled, inside_weights,
        in_a_history, attribute_chain, rebuilt_tensor, bytes_of_a_pickle, imported, legacy,
        legacy_first, plain_pickle, legacy_tar, nested_zip,
    )
}  # fmt: skip


def config_texts(canary):
    """Texts of configs that create the canary when they are run, or what they say is built."""
    name = str(canary)
    return {
        'import': f'{code(canary)}\nmodel = dict(type="X")',
        'call': f'model = dict(type=__import__("pathlib").Path({name!r}).touch())',
        'attribute': f'model = ().__class__.__base__.__subclasses__()\n{code(canary)}',
        'comprehension': f'model = [open({name!r}, "w") for _ in range(1)]',
        'formatted': f'model = f"{{open({name!r}, chr(119))}}"',
        'lambda': f'model = dict(type=(lambda: open({name!r}, "w"))())',
        'default argument': f'def f(a=open({name!r}, "w")): pass',
        'type': f'model = dict(type="subprocess.Popen", args=["touch", {name!r}])',
        'part': f'default_scope = "mmdet"\nmodel = dict(type="FasterRCNN", '
        f'backbone=dict(type="helpers.hostile.touch", path={name!r}))',
        'library': 'model = dict(type="mmengine.load", file="x.pkl")',
        'custom imports': 'custom_imports = dict(imports=["helpers.hostile"])\nmodel = dict()',
        'scope': 'default_scope = "helpers"\nmodel = dict(type="X")',
        'unpacking': f'model = dict(**dict(a=open({name!r}, "w")))',
        'nesting': 'model = ' + '[' * 5000 + ']' * 5000,
    }
