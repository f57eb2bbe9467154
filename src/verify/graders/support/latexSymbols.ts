/** @file Holds what pylatexenc 2.10 writes for commands without arguments. */

/** Maps the commands that occur in answers to their texts. Others are dropped, as pylatexenc drops those it does not know. */
export const SYMBOLS: ReadonlyMap<string, string> = new Map([
  ...['&', '$', '{', '}', '%', '#', '_'].map((mark): [string, string] => [mark, mark]),
  ...[',', ';', ':', ' '].map((space): [string, string] => [space, ' ']),
  ['!', ''],
  ['backslash', '\\'],
  ['textbackslash', '\\'],
  ['quad', '  '],
  ['qquad', '    '],
  ['limsup', 'lim sup'],
  ['liminf', 'lim inf'],
  ...words(
    'cos sin tan arccos arcsin arctan cosh sinh tanh arccosh arcsinh arctanh ln log exp max min sup inf lim',
  ).map((name): [string, string] => [name, name]),
  ...pairs(`
    oe œ OE Œ ae æ AE Æ aa å AA Å o ø O Ø ss ß L Ł l ł i ı j ȷ textquoteleft ‘ textquoteright ’
    textquotedblright ” textquotedblleft “ textendash – textemdash — textpm ± textmp ∓ texteuro € hbar ħ ell ℓ forall ∀ complement ∁ partial ∂ exists ∃ nexists ∄ varnothing ∅ emptyset ∅
    aleph ℵ nabla ∇ in ∈ notin ∉ ni ∋ prod ∏ coprod ∐ sum ∑ setminus ∖ smallsetminus ∖ ast ∗ circ ∘ bullet ∙
    propto ∝ infty ∞ parallel ∥ nparallel ∦ wedge ∧ vee ∨ cap ∩ cup ∪ int ∫ iint ∬ iiint ∭ oint ∮ sim ∼
    backsim ∽ simeq ≃ approx ≈ neq ≠ equiv ≡ le ≤ ge ≥ leq ≤ geq ≥ leqslant ⩽ geqslant ⩾ leqq ≦ geqq ≧ lneqq ≨
    gneqq ≩ ll ≪ gg ≫ nless ≮ ngtr ≯ nleq ≰ ngeq ≱ lesssim ≲ gtrsim ≳ lessgtr ≶ gtrless ≷ prec ≺ succ ≻ preceq
    ≼ succeq ≽ precsim ≾ succsim ≿ nprec ⊀ nsucc ⊁ subset ⊂ supset ⊃ subseteq ⊆ supseteq ⊇ nsubseteq ⊈
    nsupseteq ⊉ subsetneq ⊊ supsetneq ⊋ cdot · times × otimes ⊗ oplus ⊕ bigotimes ⊗ bigoplus ⊕ prime ' dag †
    dagger † pm ± mp ∓ ldots … cdots ⋯ ddots ⋱ iddots ⋰ vdots ⋮ dots … dotsc … dotsb … dotsm … dotsi … dotso …
    langle ⟨ rangle ⟩ lvert | rvert | vert | lVert ‖ rVert ‖ Vert ‖ mid | nmid ∤ uparrow ↑ downarrow ↓
    rightarrow → to → leftarrow ← longrightarrow ⟶ longleftarrow ⟵ alpha α Alpha Α beta β Beta Β gamma γ Gamma
    Γ delta δ Delta Δ epsilon ϵ Epsilon Ε zeta ζ Zeta Ζ eta η Eta Η theta θ Theta Θ iota ι Iota Ι kappa κ
    Kappa Κ lambda λ Lambda Λ mu μ Mu Μ nu ν Nu Ν xi ξ Xi Ξ omicron ο Omicron Ο pi π Pi Π rho ρ Rho Ρ sigma σ
    Sigma Σ tau τ Tau Τ upsilon υ Upsilon Υ phi ϕ Phi Φ chi χ Chi Χ psi ψ Psi Ψ omega ω Omega Ω varepsilon ε
    vartheta ϑ varpi ϖ varrho ϱ varsigma ς varphi φ leftrightarrow ↔ updownarrow ↕ nwarrow ↖ nearrow ↗ searrow
    ↘ swarrow ↙ mapsto ↦ hookleftarrow ↩ hookrightarrow ↪ rightharpoonup ⇀ leftharpoonup ↼ Leftarrow ⇐ Uparrow
    ⇑ Rightarrow ⇒ Downarrow ⇓ Leftrightarrow ⇔ nRightarrow ⇏ nLeftarrow ⇍ blacksquare ∎ dotplus ∔ angle ∠
    measuredangle ∡ therefore ∴ because ∵ wr ≀ cong ≅ approxeq ≊ asymp ≍ doteq ≐ triangleq ≜ between ≬ uplus ⊎
    sqcap ⊓ sqcup ⊔ ominus ⊖ oslash ⊘ odot ⊙ boxplus ⊞ boxminus ⊟ boxtimes ⊠ boxdot ⊡ vdash ⊢ dashv ⊣ top ⊤
    perp ⊥ vartriangleleft ⊲ vartriangleright ⊳ bigwedge ⋀ bigvee ⋁ bigcap ⋂ bigcup ⋃ diamond ⋄ star ⋆ bowtie
    ⋈ ltimes ⋉ rtimes ⋊ Subset ⋐ Supset ⋑ lnsim ⋦ gnsim ⋧ barwedge ⌅ lceil ⌈ rceil ⌉ lfloor ⌊ rfloor ⌋ frown ⌢
    smile ⌣ square □ blacktriangle ▴ vartriangle ▵ triangleright ▹ triangledown ▿ triangleleft ◃ lozenge ◊
    bigcirc ○ flat ♭ natural ♮ sharp ♯ longleftrightarrow ⟷ Longleftarrow ⟸ Longrightarrow ⟹
    Longleftrightarrow ⟺ longmapsto ⟼ amalg ⨿ lneq ⪇ gneq ⪈ subseteqq ⫅ supseteqq ⫆ subsetneqq ⫋ supsetneqq ⫌
    lbrace { rbrace } lnot ¬ div ÷ eth ƪ digamma ϝ hslash ℏ mho ℧ surd √ wp ℘ beth ℶ gimel ℷ daleth ℸ curlyvee
    ⋎ curlywedge ⋏ preccurlyeq ≼ succcurlyeq ≽ textdegree ° textasciitilde ~ textasciicircum ^
    textperiodcentered · texttimes × textdiv ÷ textonehalf ½ textonequarter ¼ textthreequarters ¾ textbullet •
    textellipsis … varkappa ϰ backepsilon ϶ textcent ¢ textsterling £ textyen ¥
    textregistered ® textmu µ ulcorner ⌜ urcorner ⌝ blacklozenge ⧫
  `),
]);

function words(text: string): string[] {
  return text.trim().split(/\s+/);
}

function pairs(text: string): [string, string][] {
  const list = words(text);
  return list.flatMap((name, i) => (i % 2 === 0 ? [[name, list[i + 1]!] as [string, string]] : []));
}
