"""The elements, attributes and style functions that a drawing may have (SVG 2). Whatever is not here is not written."""

from __future__ import annotations


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


SVG, XLINK, XML = "http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink", "http://www.w3.org/XML/1998/namespace"

DRAWN = _words(
    """circle clipPath defs desc ellipse filter g image line linearGradient marker mask path pattern polygon polyline
    radialGradient rect stop style svg switch symbol text textPath title tspan use feBlend feColorMatrix
    feComponentTransfer feComposite feConvolveMatrix feDiffuseLighting feDisplacementMap feDistantLight
    feDropShadow feFlood feFuncA feFuncB feFuncG feFuncR feGaussianBlur feImage feMerge feMergeNode feMorphology
    feOffset fePointLight feSpecularLighting feSpotLight feTile feTurbulence"""
)
ANIMATED = frozenset(("animate", "animateMotion", "animateTransform", "mpath", "set"))
UNWRAPPED = frozenset(("a",))
"""Left out, while what is inside them stays."""

STYLED = _words(
    """alignment-baseline baseline-shift clip clip-path clip-rule color color-interpolation
    color-interpolation-filters color-rendering cursor direction display dominant-baseline fill fill-opacity
    fill-rule filter flood-color flood-opacity font font-family font-feature-settings font-kerning font-size
    font-size-adjust font-stretch font-style font-variant font-variant-ligatures font-weight
    glyph-orientation-horizontal glyph-orientation-vertical image-rendering isolation letter-spacing lighting-color
    marker marker-end marker-mid marker-start mask mask-type mix-blend-mode opacity overflow paint-order
    pointer-events shape-rendering stop-color stop-opacity stroke stroke-dasharray stroke-dashoffset stroke-linecap
    stroke-linejoin stroke-miterlimit stroke-opacity stroke-width text-anchor text-decoration text-rendering
    transform transform-box transform-origin unicode-bidi vector-effect visibility white-space word-spacing
    writing-mode"""
)
"""Presentation attributes, which are properties of styles too."""
GEOMETRY = _words(
    """amplitude azimuth baseFrequency bias class clipPathUnits cx cy d diffuseConstant divisor dx dy edgeMode
    elevation exponent filterUnits fr fx fy gradientTransform gradientUnits height id in in2 intercept k1 k2 k3 k4
    kernelMatrix kernelUnitLength lang lengthAdjust limitingConeAngle markerHeight markerUnits markerWidth
    maskContentUnits maskUnits method mode numOctaves offset operator order orient pathLength patternContentUnits
    patternTransform patternUnits points pointsAtX pointsAtY pointsAtZ preserveAlpha preserveAspectRatio
    primitiveUnits r radius refX refY requiredExtensions result role rotate rx ry scale seed side slope spacing
    specularConstant specularExponent spreadMethod startOffset stdDeviation stitchTiles surfaceScale systemLanguage
    tableValues targetX targetY textLength type values version viewBox width x x1 x2 xChannelSelector y y1 y2
    yChannelSelector z"""
)
TIMING = _words(
    """accumulate additive attributeName begin by calcMode dur end fill from keyPoints keySplines keyTimes max min
    origin path repeatCount repeatDur restart rotate to type values"""
)
"""Attributes of animations."""
ANIMATABLE = (STYLED | GEOMETRY) - {
    "class",
    "id",
    "lang",
    "requiredExtensions",
    "systemLanguage",
    "role",
    "version",
    "cursor",
}
"""What an animation may change: how things look, never what they refer to."""

FUNCTIONS = _words(
    """blur brightness calc circle clamp color color-mix contrast cubic-bezier drop-shadow ellipse format grayscale
    hsl hsla hue-rotate hwb inset invert lab lch linear matrix matrix3d max min not is where nth-child nth-of-type
    nth-last-child nth-last-of-type oklab oklch opacity polygon rgb rgba rotate rotatex rotatey rotatez saturate
    scale scalex scaley sepia skew skewx skewy steps translate translatex translatey translatez url var lang"""
)
"""Functions of styles; `url` for what is in the drawing itself. A bracket without a name before it only groups."""
AT_RULES = frozenset(("media", "keyframes", "-webkit-keyframes", "supports"))
