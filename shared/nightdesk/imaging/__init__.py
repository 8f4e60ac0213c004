"""Pictures: read safely, planned without decoding, and made anew for readers. Bytes in, bytes out.

    inspect.inspect         what an original is: format, size, frames, credit, source type; or why it is refused
    recipe.plan             which files are made of it, with their dimensions and names, from its header alone
    derive.derive_all       those files, decoded once; the same input gives the same bytes
    vector.sanitise         an SVG drawing written anew from an allowlist
    card.social_card        the picture of a page for social networks

Only `derive`, `card` and the colour of `inspect` need Pillow, and import it when they are called; the rest is plain Python, so a
function without Pillow's layer can read headers too: `inspect(data, decode=False)`.
"""
