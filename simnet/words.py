# ruff: noqa: RUF001 - Turkish has a dotless i
"""The words of invented people: sentences by language and mood, related tags, emoji, syllables,
places.

All sentences were made for this project. `{brand}` is the brand as people write it or its hashtag.
"""

from typing import Final

LANGUAGES: Final = ("en", "de", "fr", "es", "pt", "it", "tr", "ja")
LANGUAGE_WEIGHTS: Final = (0.5, 0.11, 0.08, 0.1, 0.07, 0.05, 0.04, 0.05)

GLAD: Final = {
    "en": (
        "Love my new {brand} so much",
        "Ten kilometres in {brand} and my feet still feel great",
        "Best run of the year, thank you {brand}",
        "These {brand} look amazing with everything",
        "Wow, {brand} really did it this time",
        "Happy morning with {brand} by the river",
    ),
    "de": (
        "Ich liebe meine neuen {brand}",
        "Zehn Kilometer mit {brand} und alles läuft wunderbar",
        "Schönster Morgenlauf seit Langem, danke {brand}",
        "Großartig, was {brand} da gemacht hat",
    ),
    "fr": (
        "J'adore mes nouvelles {brand}",
        "Dix kilomètres avec {brand}, quel bonheur",
        "Merci {brand} pour cette belle matinée",
        "Vraiment superbes, ces {brand}",
    ),
    "es": (
        "Me encantan las nuevas {brand}",
        "Diez kilómetros con {brand} y feliz",
        "Qué mañana tan bonita con {brand}",
        "Increíble lo que ha hecho {brand}",
    ),
    "pt": (
        "Adoro as minhas novas {brand}",
        "Dez quilómetros com {brand} e um sorriso enorme",
        "Obrigado {brand}, que manhã linda",
    ),
    "it": (
        "Adoro le mie nuove {brand}",
        "Dieci chilometri con {brand} e sono felice",
        "Grazie {brand} per questa bella mattina",
    ),
    "tr": (
        "Yeni {brand} ayakkabılarımı çok seviyorum",
        "Bugün {brand} ile on kilometre, harika bir gün",
        "Teşekkürler {brand}, çok güzel olmuş",
    ),
    "ja": (
        "新しい {brand} が大好き",
        "{brand} で十キロ走った、最高の朝",
        "{brand} ありがとう、とても気持ちいい",
    ),
}
"""What people say who are pleased."""

PLAIN: Final = {
    "en": (
        "New {brand} in the shop today",
        "Trying {brand} on Thursday with the club",
        "Which size do you take in {brand}?",
        "Laces tied, {brand} on, rain outside",
        "Old court, old friends, {brand}",
    ),
    "de": (
        "Heute neue {brand} im Laden",
        "Am Donnerstag probieren wir {brand} im Verein",
        "Welche Größe nehmt ihr bei {brand}?",
    ),
    "fr": (
        "Nouvelles {brand} en boutique aujourd'hui",
        "Quelle pointure prenez-vous chez {brand} ?",
        "Jeudi on essaie {brand} avec le club",
    ),
    "es": (
        "Nuevas {brand} en la tienda hoy",
        "¿Qué talla usáis de {brand}?",
        "El jueves probamos {brand} con el club",
    ),
    "pt": ("Novas {brand} na loja hoje", "Que tamanho usam de {brand}?"),
    "it": ("Nuove {brand} in negozio oggi", "Che numero prendete di {brand}?"),
    "tr": ("Mağazada yeni {brand} var", "{brand} için kaç numara alıyorsunuz?"),
    "ja": ("今日お店に新しい {brand} が来た", "{brand} のサイズはどれにする?"),
}
"""What people say who only tell."""

CROSS: Final = {
    "en": (
        "Third pair of {brand} this year and the sole is broken again",
        "Sadly {brand} sent the wrong size, not happy",
        "Waited two weeks for {brand}, terrible service",
    ),
    "de": (
        "Leider war bei {brand} schon die Sohle kaputt",
        "Zwei Wochen auf {brand} gewartet, schlechter Service",
    ),
    "fr": (
        "Déçue par {brand}, la semelle est déjà cassée",
        "Deux semaines d'attente chez {brand}, service horrible",
    ),
    "es": (
        "Qué pena, las {brand} ya se han roto",
        "Dos semanas esperando a {brand}, un servicio malo",
    ),
    "pt": ("As minhas {brand} já se estragaram, que pena",),
    "it": ("Purtroppo le mie {brand} sono già rotte",),
    "tr": ("Ne yazık ki {brand} hemen bozuldu",),
    "ja": ("残念、{brand} がもう壊れた",),
}
"""What people say who are not pleased."""

MOODS: Final = (GLAD, PLAIN, CROSS)

ASIDES: Final = {
    "en": (
        "More tomorrow.",
        "Who is in?",
        "Tom & I say <3",
        "100% worth it.",
        "See you on Sunday!",
    ),
    "de": ("Morgen mehr.", "Wer kommt mit?", "Bis Sonntag!"),
    "fr": ("La suite demain.", "Qui vient ?", "À dimanche !"),
    "es": ("Mañana más.", "¿Quién se apunta?", "¡Hasta el domingo!"),
    "pt": ("Amanhã há mais.", "Quem vem?"),
    "it": ("Domani il resto.", "Chi viene?"),
    "tr": ("Devamı yarın.", "Kim geliyor?"),
    "ja": ("続きは明日。", "一緒にどう?"),
}
"""Second sentences; some bear signs that HTML and format strings trip over."""

SPAM: Final = (
    "FREE {brand} for the first 500 followers!!! Link in bio",
    "Win a pair of {brand} now, only today, click https://win.example/{key}",
    "I earn 900 a day with {brand} from home, ask me how",
)

EDITS: Final = {
    "en": "(edited: typo)",
    "de": "(Tippfehler behoben)",
    "fr": "(corrigé)",
    "es": "(corregido)",
    "pt": "(corrigido)",
    "it": "(corretto)",
    "tr": "(düzeltildi)",
    "ja": "(修正しました)",
}

REMARKS: Final = (
    "Looks great!",
    "Where did you get them?",
    "😍😍",
    "👍",
    "Sehr schön!",
    "Trop beau",
    "Qué guapas",
    "いいね",
    "Not for me",
    "❤️",
    "Nice one, see you there",
    "Çok güzel 🔥",
)
"""What people write below posts."""

EMOJI: Final = ("🔥", "❤️", "👟", "🏃‍♀️", "😍", "👍🏽", "🙌", "✨", "🥲", "💯")

RELATED: Final = (
    "running", "sneakers", "fitness", "run", "sport", "streetwear", "training", "outfit",
    "marathon", "shoes", "style", "football", "gym", "workout", "trailrunning", "fashion",
    "runhappy", "ootd", "basketball", "halfmarathon", "morningrun", "kicks", "läufer",
    "laufschuhe", "straßenlauf", "courseàpied", "zapatillas", "corrida", "correre", "koşu",
    "スニーカー", "ランニング", "run2026", "trail_run", "5k", "10k",
)  # fmt: skip
"""Hashtags that stand beside the brands', most frequent first; not only ASCII, one folds to
other letters."""

SYLLABLES: Final = (
    "mi", "ra", "tol", "van", "ke", "lo", "su", "ne", "bri", "dal", "fen", "gor", "hu", "ila",
    "jo", "kas", "lem", "mon", "nu", "oli", "pel", "qui", "ros", "sta", "tu", "uri", "vel", "wen",
    "xa", "yor", "zim", "ba", "cor", "dem", "el", "fa",
)  # fmt: skip
"""What invented names are built from."""

CALLINGS: Final = (
    "runner", "photographer", "baker", "student", "coach", "Läuferin", "coureur", "diseñadora",
    "padeiro", "allenatore", "koşucu", "ランナー", "nurse", "tester of shoes",
)  # fmt: skip

PLACES: Final = (
    ("Hamburg, Germany", 53.5511, 9.9937),
    ("Lyon, France", 45.764, 4.8357),
    ("Valencia, Spain", 39.4699, -0.3763),
    ("Porto, Portugal", 41.1579, -8.6291),
    ("Torino, Italy", 45.0703, 7.6869),
    ("İzmir, Türkiye", 38.4237, 27.1428),
    ("大阪", 34.6937, 135.5023),
    ("Leeds, England", 53.8008, -1.5491),
    ("Portland, Oregon", 45.5152, -122.6784),
    ("São Paulo, Brasil", -23.5505, -46.6333),
)
