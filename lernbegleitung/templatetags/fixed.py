"""What stands fixed in a template is worked out once: words once for each language, addresses without parameters once.

Replaces Django's own `translate` and `url` (see TEMPLATES in the settings); what is not fixed goes their way. A page has
a hundred of these tags, a fifth of the time it took (decision 31).
"""

from __future__ import annotations

import uuid
from typing import Any

from django import template
from django.template import Context
from django.template.base import FilterExpression, Parser, Token, Variable
from django.template.defaulttags import URLNode
from django.template.defaulttags import url as django_url
from django.templatetags.i18n import TranslateNode, do_translate
from django.templatetags.static import StaticNode
from django.urls import reverse
from django.utils.html import conditional_escape
from django.utils.translation import get_language

from . import ui

register = template.Library()
ui_icon = ui.register.tags["icon"]
ANY = uuid.UUID(int=0)


class FixedWords(template.Node):
    """Words of ours, by language."""

    def __init__(self, node: TranslateNode) -> None:
        self.node = node
        self.words: dict[str | None, str] = {}

    def render(self, context: Context) -> str:
        """The words in the reader's language."""
        language = get_language()
        if language not in self.words:
            self.words[language] = self.node.render(context)
        return self.words[language]


class Fixed(template.Node):
    """An icon or the address of a file, made when it is first needed: before that, the names of files may not be known."""

    def __init__(self, node: template.Node) -> None:
        self.node = node
        self.html = ""

    def render(self, context: Context) -> str:
        """What was made."""
        self.html = self.html or self.node.render(context)
        return self.html


class FixedAddress(template.Node):
    """The address of a page: without a parameter, or with one that is the id of a thing."""

    def __init__(self, node: URLNode) -> None:
        self.node = node
        self.parts: tuple[str, str] | None = None  # before and after the id

    def render(self, context: Context) -> str:
        """The address; whatever is not as simple as that, Django works out."""
        args = [arg.resolve(context) for arg in self.node.args]
        if args and not isinstance(args[0], uuid.UUID):
            return self.node.render(context)
        if not self.parts:
            address = conditional_escape(reverse(self.node.view_name.resolve(context), args=[ANY] * len(args)))
            before, _id, after = address.partition(str(ANY))
            self.parts = before, after
        return str(args[0]).join(self.parts) if args else self.parts[0]


def is_text(expression: FilterExpression) -> bool:
    """Whether a tag's parameter stands in the template as a text, without filters."""
    fixed = (
        isinstance(expression.var, str) or isinstance(expression.var, Variable) and expression.var.literal is not None
    )
    return fixed and not expression.filters


@register.tag("translate")
def translate(parser: Parser, token: Token) -> template.Node:
    """`{% translate "…" %}`, as Django has it."""
    node = do_translate(parser, token)
    fixed = isinstance(node, TranslateNode) and not node.asvar and not node.message_context and not node.noop
    return FixedWords(node) if fixed and is_text(node.filter_expression) else node


@register.tag("icon")
def icon(parser: Parser, token: Token) -> template.Node:
    """`{% icon "check" %}`, as `ui.icon` draws it."""
    node: Any = ui_icon(parser, token)
    simple = not node.target_var and not node.kwargs and len(node.args) == 1 and is_text(node.args[0])
    return Fixed(node) if simple else node


@register.tag("static")
def static(parser: Parser, token: Token) -> template.Node:
    """`{% static "css/app.css" %}`, as Django has it; without `{% load static %}`."""
    node = StaticNode.handle_token(parser, token)
    return Fixed(node) if not node.varname and is_text(node.path) else node


@register.tag("url")
def url(parser: Parser, token: Token) -> template.Node:
    """`{% url "…" %}`, as Django has it."""
    node: Any = django_url(parser, token)
    simple = not node.asvar and not node.kwargs and len(node.args) < 2 and is_text(node.view_name)
    return FixedAddress(node) if simple else node
