/** @file Lists the words of other languages that make another value of a number, as pieces of regular expressions. */

/** What names hundredths behind a number. */
export const PERCENT_ELSEWHERE =
  'Prozent|pour\\s?cent|por\\s?cien(?:to)?|por\\s?cento|per\\s?cento|procent\\p{L}*|процент\\p{L}*|yüzde';
/** The same where no blank separates words. */
export const PERCENT_SIGNS = 'パーセント|퍼센트|프로(?!\\p{L})';

/** What multiplies the number before it; words that need a blank before them. */
const MULTIPLES_ELSEWHERE =
  '(?:tausend|tsd\\.?|million(?:en|s)?|mio\\.?|milliarden?|mille|milliers?|milliards?|mil|millón|millones|milhões|milhão|bilhões|mila|milioni|miliardi?|' +
  'duizend|miljoen|miljard|tusen|miljoner|tysięcy|milionów|milion|bin|milyon|milyar|тысяч\\p{L}*|миллион\\p{L}*|миллиард\\p{L}*|тыс\\.?|млн\\.?|' +
  'quadrat|zum quadrat|fach|mal|fois|veces|volte|vezes|раза?|al cuadrado|ao quadrado|al quadrato|au cube|al cubo|в квадрате|в кубе|' +
  'geteilt|durch|divis[ée]e?|dividido|diviso|malgenommen|minus|moins|menos|meno|плюс|минус)(?!\\p{L})';

/** What does so, or makes a bound or a denial of it, with no blank before it. */
const TURNED =
  'では(?:ない|ありません|なく)|じゃない|[이가]\\s?아[니닙]|नहीं|değil|的一半|分之|以上|以下|未満|より|の(?:半分|倍|逆数|二乗|[2２]乗)|이상|이하|미만|초과|의\\s?(?:절반|배|제곱)|만(?!\\p{L}{2})|억|' +
  '的(?:平方|倒数|相反数|[两二三四五六七八九十几]?倍|绝对值)|倍|成(?!\\p{L})|折|[十百]|左右|上下|到|至|，?(?:是|都是)?错误?的?|，?不对';

/** Behind a number, in other languages: it is no such value, or another one. */
export const TURNED_ELSEWHERE =
  `${TURNED}|\\s(?:${MULTIPLES_ELSEWHERE})|` +
  'oder (?:mehr|weniger)|ou (?:plus|moins)|o (?:más|menos)|au carré|hoch \\d|' +
  '(?:ist|est|es|è|é|is|är)\\s(?:(?:nicht|leider)\\s)?(?:falsch|fausse?|fals[oa]|sbagliat[oa]|errad[oa]|incorrect[oa]?|fout|fel|inkorrekt)(?!\\p{L})|(?:неверно|неправильно|не верно)(?!\\p{L})';

/** Before a number, in other languages: a bound or a part of another value. */
export const BOUNDED_ELSEWHERE =
  'mehr als|weniger als|mindestens|höchstens|zwischen|fast|beinahe|knapp|menos de|más de|al menos|casi|entre|moins de|plus de|au moins|au plus|presque|environ|' +
  'meno di|più di|almeno|quasi|quase|mais de|pelo menos|меньше(?: чем)?|больше(?: чем)?|почти|größer als|kleiner als|mayor (?:que|a)|menor (?:que|a)|plus (?:grande?|petite?) que|' +
  'supérieure? à|inférieure? à|superior a|inferior a|maggiore di|minore di|minder dan|meer dan|mindre än|mer än|större än|mniej niż|więcej niż|أقل من|أكثر من|' +
  '(?:Wurzel|Quadrat|Hälfte|Drittel|Viertel|Doppelte|Dreifache) (?:aus|von|der|des)|(?:raíz|mitad|doble|triple|tercio|cuadrado) de|(?:racine|moitié|double|triple|tiers|carré) (?:de|du)|' +
  '(?:metà|doppio|triplo|radice|quadrato) di|(?:metade|dobro|raiz|quadrado) de|(?:корень|половина|треть|четверть|квадрат)(?: из| от)?|вдвое|минус|moins|menos|meno';
export const BOUNDED_SIGNS_ELSEWHERE =
  '大于|小于|不超过|超过|不到|至少|至多|接近|将近|百分之|根号|负数?|マイナス|約?未満|루트|마이너스|절반';

/** Between an answer's name and its value, or before it: it is only possible, or denied. */
export const PERHAPS_ELSEWHERE =
  '可能是?|也许是?|peut-être|vielleicht|quizás|tal vez|forse|talvez|возможно|może|belki|kanske|misschien';

/** A sentence behind that takes the value back. */
export const RETRACTED_ELSEWHERE =
  "(?:Das|Dies) ist (?:falsch|nicht richtig)|C['’]est (?:faux|incorrect)|Eso es (?:falso|incorrecto)|(?:Questo )?è (?:falso|sbagliato)|Isso é falso|Это (?:неверно|неправильно)|这是?(?:不对|错)";
