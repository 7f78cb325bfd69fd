"""Pages that radiologists read on: a server that may open one folder and knows nothing of arms.

``serve`` starts the server of a study, ``readers`` makes the links that are sent out. Both take the *served folder*
that ``radassay.web.served`` describes; the key of a study lies elsewhere, and this package cannot import it.
"""

from radassay.web.serving import Link, readers, serve

__all__ = ["Link", "readers", "serve"]
