"""What stands fixed in a template is worked out once: words once for each language, addresses without parameters once.

Replaces Django's own `translate`, `blocktranslate`, `url`, `static` and `csrf_token` and our `icon` and `fonts` (see
TEMPLATES in the settings); what is not fixed goes their way. A page has
a hundred of these tags, a fifth of the time it took (decision 31).
"""

from __future__ import annotations

import uuid
from typing import Any

from django import template
from django.template import Context
from django.template.base import FilterExpression, Parser, Token, Variable, render_value_in_context
from django.template.defaulttags import CsrfTokenNode, URLNode
from django.template.defaulttags import url as django_url
from django.templatetags.i18n import TranslateNode, do_block_translate, do_translate
from django.templatetags.static import StaticNode
from django.urls import NoReverseMatch, reverse
from django.utils.html import conditional_escape
from django.utils.safestring import SafeString
from django.utils.translation import get_language, gettext, ngettext

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


class FixedSentence(template.Node):
    """A sentence of ours with something in it, by language; what is in it is looked up every time."""

    def __init__(self, node: Any) -> None:
        self.node = node
        self.sentence, self.names = node.render_token_list(node.singular)
        self.sentences, self.names_of_many = node.render_token_list(node.plural) if node.plural else ("", [])
        self.words: dict[str | None, str] = {}

    def render(self, context: Context) -> str:
        """The sentence in the reader's language."""
        language, node = get_language(), self.node
        values = {name: value.resolve(context) for name, value in node.extra_context.items()}
        if node.plural:
            with context.push(**values):
                values[node.countervar] = number = node.counter.resolve(context)
            words = ngettext(self.sentence, self.sentences, number)
        elif language in self.words:
            words = self.words[language]
        else:
            words = self.words[language] = gettext(self.sentence)
        for name in (*self.names, *self.names_of_many):
            values[name] = render_value_in_context(values[name] if name in values else context.get(name, ""), context)
        words %= values
        if not node.asvar:
            return words
        context[node.asvar] = SafeString(words)
        return ""


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
            try:
                address = conditional_escape(reverse(self.node.view_name.resolve(context), args=[ANY] * len(args)))
            except NoReverseMatch:
                return self.node.render(context)
            before, _id, after = address.partition(str(ANY))
            self.parts = before, after
        address = SafeString(str(args[0]).join(self.parts) if args else self.parts[0])
        if not self.node.asvar:
            return address
        context[self.node.asvar] = address
        return ""


class FieldOfForms(template.Node):
    """What a form shows to prove that it is ours: the same for all forms of a page, so it is made once."""

    def __init__(self, node: CsrfTokenNode) -> None:
        self.node = node

    def render(self, context: Context) -> str:
        """The hidden field."""
        request, token = getattr(context, "request", None), context.get("csrf_token")
        if request is None:
            return self.node.render(context)
        known, field = getattr(request, "field_of_forms", (None, ""))
        if known is not token:  # the page's own, unevaluated: another page of the same request has another one
            field = self.node.render(context)
            request.field_of_forms = token, field
        return field


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


@register.tag("blocktranslate")
def blocktranslate(parser: Parser, token: Token) -> template.Node:
    """`{% blocktranslate %}…{% endblocktranslate %}`, as Django has it."""
    node = do_block_translate(parser, token)
    return node if node.message_context else FixedSentence(node)


@register.tag("csrf_token")
def csrf_token(_parser: Parser, _token: Token) -> template.Node:
    """`{% csrf_token %}`, as Django has it."""
    return FieldOfForms(CsrfTokenNode())


@register.tag("fonts")
def fonts(parser: Parser, token: Token) -> template.Node:
    """`{% fonts %}`, as `ui.fonts` writes it."""
    return Fixed(ui.register.tags["fonts"](parser, token))


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
    simple = not node.kwargs and len(node.args) < 2 and is_text(node.view_name)
    return FixedAddress(node) if simple else node
