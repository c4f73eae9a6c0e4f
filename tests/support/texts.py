"""Texts that hurt tokenizers, and the small corpus that the tests' own tokenizers are trained on."""

from __future__ import annotations

import random

CORPUS = [
    "The quick brown fox jumps over the lazy dog, and the dog does not mind.",
    "She sells sea shells by the sea shore; the shells she sells are sea shells for sure.",
    "In 2019 the committee counted 1,024 tokens, 512 sentences and 8,192 characters.",
    "Modern encoders read long documents; older encoders see five hundred and twelve tokens.",
    "We don't know what they've read, it's theirs, and I'm not sure you're right!",
    "A tokenizer splits words into pieces: token, tokens, tokenize, tokenized, tokenization.",
    "Unbelievable, uninteresting, unimportant, undeniable, unmistakable and unnecessary words.",
    "The tallest building (828 m) stands in Dubai; the longest bridge (164 km) is in China.",
    "def encode(self, text: str) -> list[int]: return [self.ids[token] for token in text.split()]",
    "for (int i = 0; i < n; i++) { sum += values[i] * weights[i]; }  // 100% of the work",
    "Visit https://example.org/a/b?c=d&e=f#g or write to someone@example.org for details.",
    "Le garçon a mangé une crème brûlée à l'hôtel près du théâtre, où il était déjà allé.",
    "Über den Wolken muß die Freiheit wohl grenzenlos sein, größer als Straßen und Flüsse.",
    "El niño pequeño comió piñas en la mañana; ¿qué pasó después?",
    "Быстрая коричневая лиса прыгает через ленивую собаку, и собака не возражает.",
    "Η γρήγορη καφέ αλεπού πηδάει πάνω από το τεμπέλικο σκυλί.",
    "我们在北京吃了很多东西，然后坐火车去上海看朋友。中国的城市很大。",
    "東京の天気は今日とても良いです。私たちは公園を歩きました。",
    "오늘 서울의 날씨는 매우 좋습니다. 우리는 공원을 걸었습니다.",
    "ذهب الولد إلى المدرسة في الصباح وقرأ كتابا جديدا.",
    "הילד הלך לבית הספר בבוקר וקרא ספר חדש.",
    "नमस्ते दुनिया, यह एक छोटा सा वाक्य है।",
    "Prices rose by 3.5 % to $12.50, £9.99 or €11.30 — a “small” change… or was it?",
    "The end of the story is the beginning of another story that nobody has told yet.",
]

NOTEBOOK_SENTENCE = "This is MIDS 266. Let's learn some NLP!"

HARD = [
    "",
    " ",
    "     ",
    "\t",
    "\n",
    "\r\n",
    " \t \n \r\n ",
    "\u00a0\u2003\u3000",
    "\v\f\x1c\x85\u2028\u2029",
    "a\tb\tc",
    "first line\nsecond line\r\nthird line\rfourth",
    "  leading",
    "trailing  ",
    "  both   and   inside  ",
    "\x00",
    "nul\x00inside\x00",
    "bell\x07 backspace\x08 delete\x7f c1 \x9b31m",
    "\x1b[31mred\x1b[0m and \x1b]0;title\x07 and \x1b[2J",
    "zero\u200bwidth\u200cnon\u200djoiner\u2060word",
    "\ufeffbyte order mark \ufeff inside",
    "soft\u00adhyphen",
    "e\u0301 o\u0308 n\u0303 a\u030a\u0323",
    "é ö ñ ạ̊",
    "Café résumé naïve coöperate",
    "Cafe\u0301 re\u0301sume\u0301 nai\u0308ve coo\u0308perate",
    "\u0301alone at the start, and\u0301\u0302\u0303\u0304 stacked",
    "Z̷̢͎a̸͙̕l̵̡̛g̶̨̀o̴͉͒ t̶e̷x̶t̸",
    "我们在北京吃了很多东西",
    "混合 mixed 文本 text、with 标点。",
    "東京の天気は、今日とても良いです。",
    "ｶﾀｶﾅ and カタカナ and ガ",
    "\U00020000\U0002a6d6 beyond the basic plane",
    "오늘 서울의 날씨",
    "\u1112\u1161\u11ab\u1100\u1173\u11af conjoining jamo",
    "ㅎㅏㄴㄱㅡㄹ",
    "👩‍👩‍👧‍👦 family 👨🏽‍🚀 astronaut",
    "🇩🇪🇫🇷🇯🇵 flags 🏴󠁧󠁢󠁳󠁣󠁴󠁿",
    "😀😃😄 ☺️ ❤️ 1️⃣",
    "text😀glued🙂together",
    "ذهب الولد إلى المدرسة",
    "הילד הלך לבית הספר",
    "mixed שלום and مرحبا \u202eoverride\u202c \u200fmarks",
    "नमस्ते दुनिया क्षत्रिय",
    "ภาษาไทยไม่มีช่องว่าง",
    "ﬁne ﬂow oﬃce ﬆ ĳ Ǆ",
    "①②③ ½ ⅔ ㎏ ㍿ ™ № ℌ",
    "x² + y³ = z⁴ and H₂O",
    "Ｆｕｌｌｗｉｄｔｈ　ｔｅｘｔ！　１２３",
    "İstanbul ISPARTA ılık I i İ ı",
    "Straße STRASSE ẞ ß Größe",
    "ΣΊΣΥΦΟΣ σίσυφος ς",
    "𝐌𝐚𝐭𝐡 𝒷𝑜𝓁𝒹 𝔣𝔯𝔞𝔨𝔱𝔲𝔯 𝟙𝟚𝟛",
    "\ue000\uf8ff\U000f0000 private use",
    "\ufffe\uffff\U0010ffff noncharacters",
    "\ufffd replaced",
    "\ud800",
    "lone \udc80 low and \ud83d high",
    "\ud83d\ude00 a pair that is none",
    "Ⅷ Ⅸ ⅳ",
    "ǅ ǈ ŉ ΐ",
    "unbelievableunbelievable" * 12,
    "a" * 250,
    "ab" * 150,
    "-" * 200,
    "." * 120,
    " a" * 120,
    "😀" * 60,
    "我" * 130,
    "é" * 130,
    "e\u0301" * 80,
    "\n" * 100,
    "supercalifragilisticexpialidocious pneumonoultramicroscopicsilicovolcanoconiosis",
    "https://example.org/a/b?c=d&e=f#g",
    "someone@example.org, +49 (0)30 123-456, 192.168.0.1, 2001:db8::1",
    "def f(x): return {'a': [1, 2, 3], \"b\": None}  # comment",
    "    if (a != b) {\n\t\treturn a->b;\n    }",
    '<html><body class="x">&amp; &lt;b&gt; &#39;</body></html>',
    "snake_case camelCase PascalCase kebab-case SCREAMING_CASE",
    "don't can't I'm you're they've it's he'll we'd n't 's",
    "It ' s odd . Is it ? Yes ! Well , no .",
    "``quoted'' and ''again`` \"straight\" “curly” ‘single’ «guillemets»",
    "1,000,000.50 3.14159 1e-10 0xFF 50% #42",
    "$12 £9 €11 ¥100 ₹50 ₿1",
    "ellipsis… em—dash en–dash minus−",
    "[CLS]",
    "[MASK]",
    "<mask>",
    "<s>",
    "</s>",
    "[CLS] typed [SEP] by [PAD] hand [UNK] here",
    "the capital is [MASK].",
    "the capital is <mask> .",
    "glued[MASK]glued and [mask] in lower case",
    "<s>glued</s><pad><unk> and < s > apart",
    "[unused1] [CLS ] [ CLS] [[CLS]]",
    "<ent> and <ENT> and Added Word and addedword glued<ent>glued",
    "NotInVocabulary NOTINVOCABULARY notinvocabulary",
    "##ing ## ing #hash",
    "▁metaspace ▁ _ ▁▁",
    "Ġbyte Ċ level ĠĠ",
    "<0x0A> <0xFF>",
    "\\n \\t \\x00 \\u0041",
    "A",
    "é",
    "😀",
    "我",
    "!",
    "I i",
    "SHOUTING and Whispering and mIxEd",
    "word " * 150,
    "The quick brown fox. " * 20,
    "end with space and newline \n",
    "ﷺ ﷽ one character, many letters",
    "ॐ ௵ ༀ ꙮ 𒐫",
    "a\u0000b\u0001c\u0002d",
    "tab\tseparated\tvalues\n1\t2\t3\n",
    "K Å Ω are signs, K Å Ω are letters",
    "º ª ¹ ¼ ¨ ¯ ´ ¸",
    "x\u0338 =\u0338 \u20d7",
    NOTEBOOK_SENTENCE,
]

_POOLS = [
    "abcdefghijklmnopqrstuvwxyz     ",
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghij   ,.;:!?'-",
    "0123456789.,%-+*/=()[]{}<>#@&_|\\~^`\"'$ ",
    "àáâãäåçèéêëìíîïñòóôõöùúûüýÿßæœøłđğışžč ÀÉÎÕÜ",
    "абвгдежзийклмнопрстуфхцчшщъыьэюя АБВГ",
    "αβγδεζηθικλμνξοπρστυφχψως ΆΈΉ",
    "的一是在不了有和人这中大为上个国我以要他。，、",
    "あいうえおかきくけこアイウエオ東京天気がぎぐ゛゜",
    "가나다라마바사아자차 한국어ㄱㄴㄷㅏㅑ\u1100\u1161\u11a8",
    "ابتثجحخدذرزسشصضطظعغ \u064b\u064c\u064d",
    "😀😂🥲👍🏽👩‍🚀🇩🇪❤️\u200d\ufe0f",
    " \t\n\r\u00a0\u2003\u200b\ufeff\u3000",
    "\u0300\u0301\u0302\u0303\u0308\u0323\u0327aeioun",
    "\x00\x01\x07\x08\x1b\x7f\x80\x9f\u202e\ud800\udfffa ",
    "ﬁﬂ①½㎏ＡＢＣ１２ﾊﾟ™℃Ⅷ𝐀𝟏",
    "▁Ġ#Ċ<>[]/sCLSEPMAK ",
]

_WORDS = " ".join(CORPUS).split()


def random_text(source: random.Random) -> str:
    """A text of up to 120 characters: corpus words and characters of one to three pools, in runs."""
    pools = source.sample(_POOLS, source.randint(1, 3))
    pieces: list[str] = []
    for _ in range(source.randint(1, 8)):
        if source.random() < 0.3:
            pieces.append(" ".join(source.choices(_WORDS, k=source.randint(1, 4))))
        else:
            pieces.append("".join(source.choices(source.choice(pools), k=source.randint(1, 12))))
        pieces.append(source.choice(["", " ", " ", "  "]))
    return "".join(pieces)


def texts(count: int = 340) -> list[str]:
    """The hard texts, the corpus, and seeded random ones up to `count`; the same list every time."""
    source = random.Random(20_240_917)
    found = [*HARD, *CORPUS]
    while len(found) < count:
        found.append(random_text(source))
    return found
