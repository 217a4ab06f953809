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
	if !strings.ContainsAny(text, "#\uff03") {
		return found
	}
	before := ' '
	for at := 0; at < len(text); {
		r, size := utf8.DecodeRuneInString(text[at:])
		start := at + size
		if (r != '#' && r != 0xff03) || isWord(before) || isMark(before) || before == '&' || before == '/' {
			before, at = r, start
			continue
		}
		end := start
		for end < len(text) {
			letter, width := utf8.DecodeRuneInString(text[end:])
			if !isWord(letter) && (end == start || !isMark(letter)) {
				break
			}
			before = letter
			end += width
		}
		if end == start {
			before, at = r, start
			continue
		}
		found = once(found, fold(strings.TrimRight(text[start:end], "\u200c")))
		at = end
	}
	return found
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
