package main

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"time"
	"unicode/utf16"
	"unicode/utf8"
)

const (
	perPage  = 60
	newPosts = 20 // of a page, each time it is asked for; the next 20 have grown, the last 20 not
	firstID  = 2_498_000_000_000_000_000
	letters  = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
)

// pages writes the pages of tags. Window w of a tag shows its posts 20w to 20w+59, newest first: ids
// never come back. A page depends on tag and window alone, so every client is served the same.
type pages struct {
	since int64 // epoch seconds at which the oldest posts were made
	words [][]string
	mu    sync.RWMutex
	gz    map[[2]int][]byte
	plain map[[2]int][]byte
}

func newPages(now time.Time) *pages {
	return &pages{
		since: now.Add(-72 * time.Hour).Unix(), words: vocabulary(),
		gz: map[[2]int][]byte{}, plain: map[[2]int][]byte{},
	}
}

// prepare writes the first windows of some tags ahead, on all cores: serving them costs nothing.
func (p *pages) prepare(tags, windows int, zipped bool) {
	var group sync.WaitGroup
	for tag := range tags {
		group.Go(func() {
			for window := range windows {
				p.get(tag, window, zipped)
			}
		})
	}
	group.Wait()
}

func (p *pages) get(tag, window int, zipped bool) []byte {
	cache := p.plain
	if zipped {
		cache = p.gz
	}
	key := [2]int{tag, window}
	p.mu.RLock()
	body, ok := cache[key]
	p.mu.RUnlock()
	if ok {
		return body
	}
	body = p.write(tag, window)
	if zipped {
		body = squeeze(body)
	}
	p.mu.Lock()
	cache[key] = body
	p.mu.Unlock()
	return body
}

func squeeze(body []byte) []byte {
	var out bytes.Buffer
	writer, _ := gzip.NewWriterLevel(&out, 6)
	_, _ = writer.Write(body)
	_ = writer.Close()
	return bytes.Clone(out.Bytes())
}

func (p *pages) write(tag, window int) []byte {
	var out bytes.Buffer
	cursor := `null`
	if window > 0 {
		cursor = fmt.Sprintf(`"QVFEYy1pYW90TGt4aWF0aExLQnM4c1JCYV9BbkhkbmZySzRKRVBrWEtC%08d"`, window)
	}
	fmt.Fprintf(&out, `{"graphql":{"hashtag":{"id":"%d","name":"tag%d","allow_following":true,"is_following":false,`+
		`"is_top_media_only":false,"profile_pic_url":"https://scontent-cdg2-1.cdninstagram.com/v/t51.2885-15/%d_n.jpg",`+
		`"edge_hashtag_to_media":{"count":%d,"page_info":{"has_next_page":%t,"end_cursor":%s},"edges":[`,
		17841562498105353+tag, tag, tag, 100_000+tag+newPosts*window, window > 0, cursor)
	for at := range perPage {
		if at > 0 {
			out.WriteByte(',')
		}
		p.node(&out, tag, window*newPosts+perPage-1-at, at/newPosts)
	}
	out.WriteString(`]}}},"status":"ok"}`)
	return out.Bytes()
}

// node writes one post; step: 0 when it is new, then 1, 2 with every poll.
func (p *pages) node(out *bytes.Buffer, tag, seq, step int) {
	dice := rand.New(rand.NewPCG(uint64(tag), uint64(seq)))
	id := int64(firstID) + int64(tag)*1_000_000_000_000 + int64(seq)*1_000_003
	kind, film := "GraphImage", seq%5 == 4
	if film {
		kind = "GraphVideo"
	} else if seq%7 == 0 {
		kind = "GraphSidecar"
	}
	likes := dice.IntN(40)
	if step > 0 {
		likes += 1 + dice.IntN(90)
	}
	picture := fmt.Sprintf("https://scontent-cdg2-1.cdninstagram.com/v/t51.2885-15/e35/%09d_%015d_%018d_n.jpg",
		dice.IntN(1e9), dice.Int64N(1e15), dice.Int64N(1e18))
	signed := fmt.Sprintf("?_nc_cat=%d&_nc_ohc=%x&oh=%08x%08x&oe=%08X", 100+dice.IntN(12), dice.Uint32(), dice.Uint32(), dice.Uint32(), dice.Uint32())
	fmt.Fprintf(out, `{"node":{"comments_disabled":false,"__typename":"%s","id":"%d","edge_media_to_caption":{"edges":[`, kind, id)
	if seq%31 != 30 { // one in 31 says nothing
		out.WriteString(`{"node":{"text":"`)
		escape(out, p.caption(dice, tag))
		out.WriteString(`"}}`)
	}
	fmt.Fprintf(out, `]},"shortcode":"%s","edge_media_to_comment":{"count":%d},"taken_at_timestamp":%d,`+
		`"dimensions":{"height":%d,"width":1080},"display_url":"%s%s","edge_liked_by":{"count":%d},`+
		`"edge_media_preview_like":{"count":%d},"owner":{"id":"%d"},"thumbnail_src":"%s?_nc_ohc=%x&oh=%08x%08x","is_video":%t`,
		shortcode(id), dice.IntN(20), p.since+int64(seq), 1080+10*dice.IntN(28), picture, signed, likes, likes,
		dice.IntN(40e9), picture, dice.Uint32(), dice.Uint32(), dice.Uint32(), film)
	if film {
		fmt.Fprintf(out, `,"video_view_count":%d`, 7*likes)
	} else {
		out.WriteString(`,"accessibility_caption":"Photo by `)
		escape(out, p.word(dice, 0)+" in "+p.word(dice, 1))
		out.WriteString(`. Image may contain: outdoor."`)
	}
	out.WriteString(`}}`)
}

func shortcode(id int64) string {
	code := ""
	for ; id > 0; id /= 64 {
		code = string(letters[id%64]) + code
	}
	return code
}

// caption returns a text as people write it: a few words of one language, emoji, many hashtags.
func (p *pages) caption(dice *rand.Rand, tag int) string {
	var out strings.Builder
	language := dice.IntN(len(p.words))
	for range 4 + dice.IntN(22) {
		out.WriteString(p.word(dice, language))
		out.WriteByte(' ')
	}
	if dice.IntN(3) == 0 {
		out.WriteString("@" + p.word(dice, 0) + "_" + p.word(dice, 0) + " ")
	}
	if dice.IntN(2) == 0 {
		out.WriteString(emoji[dice.IntN(len(emoji))] + " ")
	}
	if dice.IntN(12) == 0 {
		out.WriteString("https://" + p.word(dice, 0) + ".example/" + p.word(dice, 0) + ". ")
	}
	fmt.Fprintf(&out, "\n\n#tag%d", tag)
	for range dice.IntN(19) {
		other := language
		if dice.IntN(3) > 0 {
			other = 0
		}
		out.WriteString(" #" + p.word(dice, other))
	}
	return out.String()
}

// word returns a word of a language, the first ones far more often than the last.
func (p *pages) word(dice *rand.Rand, language int) string {
	words := p.words[language]
	share := dice.Float64()
	return words[int(share*share*float64(len(words)))]
}

var emoji = []string{"❤️", "🔥", "✨", "🍺", "➡️", "😍🥰", "📷", "👟", "🌍🌎", "🎉🎂", "💪🏽", "☀️"}

// vocabulary returns 1,200 words each of six languages' letters, some capitalised, always the same.
func vocabulary() [][]string {
	alphabets := []string{
		"ka lo ri ne sta ber to mi pra sun ven da li fo gra ther ing er wa co",
		"ma ter ho li fen sta in go cra pel du nor te si by low ark ed un pla",
		"á ción é ne ñ o rí a da lle mos ta qu ie re ú ve ca so po",
		"ß ü ber ge ä nd sch ön en er ich tra wei mu ö st auf le ha ki",
		"при вет мо ре го род на зи ма ле то цве ты фо ра дость до ве чер люб",
		"東 京 写 真 好 き 春 の 花 旅 海 猫 美 味 し い 朝 空 町 日",
	}
	dice := rand.New(rand.NewPCG(4, 2))
	all := make([][]string, len(alphabets))
	for language, alphabet := range alphabets {
		syllables := strings.Fields(alphabet)
		for range 1200 {
			word := ""
			for range 1 + dice.IntN(4) {
				word += syllables[dice.IntN(len(syllables))]
			}
			if dice.IntN(6) == 0 && language < 2 {
				word = strings.ToUpper(word[:1]) + word[1:]
			}
			all[language] = append(all[language], word)
		}
	}
	return all
}

// escape writes a text inside a JSON string as Instagram's servers do: ASCII only.
func escape(out *bytes.Buffer, text string) {
	for _, r := range text {
		switch {
		case r == '\n':
			out.WriteString(`\n`)
		case r == '"' || r == '\\':
			out.WriteByte('\\')
			out.WriteRune(r)
		case r < utf8.RuneSelf:
			out.WriteRune(r)
		case r > 0xffff:
			high, low := utf16.EncodeRune(r)
			fmt.Fprintf(out, `\u%04x\u%04x`, high, low)
		default:
			fmt.Fprintf(out, `\u%04x`, r)
		}
	}
}
