"""Every public function of tensors says what shapes they have."""

import ast
import re
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[2] / 'mmvisx'
TENSORS = re.compile(r'\b(Tensor|ndarray)\b')
# ``(N, C, H, W)``, ``(out, in, ...)``, or tensors by their names, of all shapes
SHAPE = re.compile(r'``\([^`]*[,)][^`]*``|\([A-Z0-9, .*+]+\)|[Ss]tate dict')


def of_tensors(path):
    """Yield name, tensor arguments and docstring, its class's included, of public functions."""
    for node in ast.parse(path.read_text()).body:
        methods = node.body if isinstance(node, ast.ClassDef) else [node]
        about = ast.get_docstring(node) or '' if isinstance(node, ast.ClassDef) else ''
        for item in methods:
            if not isinstance(item, ast.FunctionDef) or node.name.startswith('_'):
                continue
            if item.name.startswith('_') and item.name != '__init__':
                continue
            arguments = [*item.args.posonlyargs, *item.args.args, *item.args.kwonlyargs]
            tensors = [
                a.arg
                for a in arguments
                if a.annotation is not None and TENSORS.search(ast.unparse(a.annotation))
            ]
            if tensors:
                yield item.name, tensors, about + (ast.get_docstring(item) or '')


FUNCTIONS = {
    f'{path.relative_to(PACKAGE)}:{name}': (tensors, text)
    for path in sorted(PACKAGE.rglob('*.py'))
    for name, tensors, text in of_tensors(path)
}


def test_there_are_functions_of_tensors():
    assert len(FUNCTIONS) > 100


@pytest.mark.parametrize('name', FUNCTIONS)
def test_a_function_of_tensors_says_their_shapes(name):
    tensors, text = FUNCTIONS[name]
    assert SHAPE.search(text), f'{name}: no shape of {", ".join(tensors)} in its docstring'
