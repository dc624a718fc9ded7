"""How large and how deep a request may be."""

BODY = 1 << 20
"""Bytes of a body."""

DEPTH = 24
"""Objects in objects, elements in elements."""

ENTRIES = 1000
"""Entries of one array or map."""

FILTER = 4096
"""Characters of one query parameter."""

TERMS = 100
"""Comparisons of one filter."""

EXPANDED = 500
"""Items of a collection whose references are inlined."""

PAGE = 10_000
"""Items of a collection in one answer."""
