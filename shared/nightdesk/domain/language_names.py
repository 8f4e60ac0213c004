"""The names that languages have in themselves, for links between translations (Unicode CLDR, "localeDisplayNames")."""

from __future__ import annotations

_NAMES = {
    "af": "Afrikaans", "am": "አማርኛ", "ar": "العربية", "az": "azərbaycan", "be": "беларуская", "bg": "български", "bn": "বাংলা",
    "bs": "bosanski", "ca": "català", "ckb": "کوردیی ناوەندی", "cs": "čeština", "cy": "Cymraeg", "da": "dansk", "de": "Deutsch",
    "el": "Ελληνικά", "en": "English", "eo": "Esperanto", "es": "español", "et": "eesti", "eu": "euskara", "fa": "فارسی",
    "fi": "suomi", "fil": "Filipino", "fr": "français", "ga": "Gaeilge", "gl": "galego", "gu": "ગુજરાતી", "ha": "Hausa",
    "he": "עברית", "hi": "हिन्दी", "hr": "hrvatski", "hu": "magyar", "hy": "հայերեն", "id": "Indonesia", "ig": "Igbo",
    "is": "íslenska", "it": "italiano", "ja": "日本語", "ka": "ქართული", "kk": "қазақ тілі", "km": "ខ្មែរ", "kn": "ಕನ್ನಡ", "ko": "한국어",
    "ku": "kurdî", "ky": "кыргызча", "lo": "ລາວ", "lt": "lietuvių", "lv": "latviešu", "mk": "македонски", "ml": "മലയാളം",
    "mn": "монгол", "mr": "मराठी", "ms": "Melayu", "mt": "Malti", "my": "မြန်မာ", "nb": "norsk bokmål", "ne": "नेपाली",
    "nl": "Nederlands", "nn": "norsk nynorsk", "no": "norsk", "or": "ଓଡ଼ିଆ", "pa": "ਪੰਜਾਬੀ", "pl": "polski", "ps": "پښتو",
    "pt": "português", "rm": "rumantsch", "ro": "română", "ru": "русский", "rw": "Ikinyarwanda", "sd": "سنڌي", "se": "davvisámegiella",
    "si": "සිංහල", "sk": "slovenčina", "sl": "slovenščina", "so": "Soomaali", "sq": "shqip", "sr": "српски", "sv": "svenska",
    "sw": "Kiswahili", "ta": "தமிழ்", "te": "తెలుగు", "tg": "тоҷикӣ", "th": "ไทย", "ti": "ትግርኛ", "tk": "türkmen dili", "tr": "Türkçe",
    "ug": "ئۇيغۇرچە", "uk": "українська", "ur": "اردو", "uz": "o‘zbek", "vi": "Tiếng Việt", "xh": "IsiXhosa", "yi": "ייִדיש",
    "yo": "Èdè Yorùbá", "zh": "中文", "zh-hans": "简体中文", "zh-hant": "繁體中文", "zu": "isiZulu",
}  # fmt: skip


def native_name(tag: str) -> str:
    """Return the name of a language in itself, with a capital where it has them; the tag of one whose name is not known.

    >>> native_name("fr-CA"), native_name("gsw")
    ('Français', 'gsw')
    """
    wanted = tag.lower()
    while wanted and wanted not in _NAMES:
        wanted = wanted.rpartition("-")[0]
    name = _NAMES.get(wanted, "")
    return name[0].upper() + name[1:] if name else tag
