package records

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"
)

// No regular expressions: Go's cost several times the rest of the poll.

func isWord(r rune) bool {
	return r == '_' || unicode.IsLetter(r) || unicode.IsNumber(r)
}

// isMark tells whether a letter stays inside a word: vowel signs and accents, none of emoji's marks.
func isMark(r rune) bool {
	if r < utf8.RuneSelf || (r >= 0xfe00 && r <= 0xfe0f) || r == 0x20e3 {
		return false
	}
	return r == 0x200c || unicode.IsMark(r)
}

// Hashtags returns the tags of a text, NFKC and casefolded, in order, each once.
func Hashtags(text string) []string {
	found := []string{}
	wide := strings.Contains(text, "\uff03") // the full-width '#' of Japanese keyboards
	for from := 0; ; {
		at, start := nextHash(text, from, wide)
		if at < 0 {
			return found
		}
		from = start
		if at > 0 {
			before, _ := utf8.DecodeLastRuneInString(text[:at])
			if isWord(before) || isMark(before) || before == '&' || before == '/' {
				continue
			}
		}
		if end := wordEnd(text, start); end > start {
			found = once(found, fold(strings.TrimRight(text[start:end], "\u200c")))
			from = end
		}
	}
}

// nextHash returns where the next hash is, -1 if there is none, and where the text behind it starts.
func nextHash(text string, from int, wide bool) (int, int) {
	at := strings.IndexByte(text[from:], '#')
	if wide {
		if other := strings.Index(text[from:], "\uff03"); other >= 0 && (at < 0 || other < at) {
			return from + other, from + other + 3
		}
	}
	if at < 0 {
		return -1, -1
	}
	return from + at, from + at + 1
}

// wordEnd returns where the word that begins at start ends.
func wordEnd(text string, start int) int {
	end := start
	for end < len(text) {
		if text[end] < utf8.RuneSelf {
			if !isHandle(text[end]) {
				break
			}
			end++
			continue
		}
		letter, size := utf8.DecodeRuneInString(text[end:])
		if !isWord(letter) && (end == start || !isMark(letter)) {
			break
		}
		end += size
	}
	return end
}

func fold(tag string) string {
	for at := 0; at < len(tag); at++ {
		if tag[at] >= utf8.RuneSelf {
			return norm.NFKC.String(cases.Fold().String(norm.NFKC.String(tag)))
		}
	}
	return strings.ToLower(tag)
}

func once(found []string, more string) []string {
	for _, each := range found {
		if each == more {
			return found
		}
	}
	return append(found, more)
}

func isHandle(b byte) bool {
	return b == '_' || (b >= '0' && b <= '9') || (b >= 'a' && b <= 'z') || (b >= 'A' && b <= 'Z')
}

// Mentions returns the handles a text names, lower-case, in order, each once.
func Mentions(text string) []string {
	found := []string{}
	for from := 0; ; {
		at := strings.IndexByte(text[from:], '@')
		if at < 0 {
			return found
		}
		at += from
		from = at + 1
		if at > 0 {
			before, _ := utf8.DecodeLastRuneInString(text[:at])
			if isWord(before) || before == '/' || before == '@' || before == '.' {
				continue
			}
		}
		end := from
		for end < len(text) && end-from < 30 && (isHandle(text[end]) || text[end] == '.') {
			end++
		}
		for end > from && text[end-1] == '.' {
			end--
		}
		if end > from && isHandle(text[from]) {
			found = once(found, strings.ToLower(text[from:end]))
		}
	}
}

// Links returns the web addresses a text holds, in order, each once.
func Links(text string) []string {
	found := []string{}
	for from := 0; ; {
		at := strings.Index(text[from:], "://")
		if at < 0 {
			return found
		}
		at += from
		from = at + 3
		start := -1
		for _, scheme := range []string{"https", "http"} {
			if at >= len(scheme) && strings.EqualFold(text[at-len(scheme):at], scheme) {
				start = at - len(scheme)
				break
			}
		}
		if start < 0 {
			continue
		}
		end := from
		for end < len(text) {
			r, size := utf8.DecodeRuneInString(text[end:])
			if unicode.IsSpace(r) || strings.ContainsRune("<>\"'\u3000", r) {
				break
			}
			end += size
		}
		link := strings.TrimRight(text[start:end], ".,;:!?)]}\u2026\u3002\u300d")
		if end > from {
			found = once(found, link)
		}
		from = end
	}
}
