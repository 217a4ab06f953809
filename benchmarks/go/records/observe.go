package records

import (
	"encoding/json"
	"strconv"
	"sync"
	"time"

	"github.com/cespare/xxhash/v2"
)

const (
	network       = "instagram"
	source        = "instagram"
	parserVersion = 1
	snapshotEvery = 3600 * 1000 // milliseconds
	prefix        = "taglake"
	micros        = "2006-01-02T15:04:05.000000Z"
	whole         = "2006-01-02T15:04:05Z"
)

// Document is one line of a bulk request before it is bytes.
type Document struct {
	Index   string
	ID      string
	Version int64
	Body    any
}

// State is what is remembered of one subject; -1 is an unknown count.
type State struct {
	hash                           uint64
	likes, comments, views, posted int64
	at                             int64 // milliseconds of the last snapshot
}

type hour struct {
	start                           int64
	made, unchanged, seen, brandNew int
	bodyHash                        uint64
}

// Observer compares pages with what is known of their posts. It is safe for many goroutines.
type Observer struct {
	mu       sync.Mutex
	name     string
	process  string
	decode   func([]byte, any) error
	known    map[string]State
	accounts map[string]*hour
	months   map[string]string
}

// NewObserver returns an observer that knows nothing yet. name: who saw the counts; process: whose
// accounts of polls these are; decode: the JSON library's Unmarshal.
func NewObserver(name, process string, decode func([]byte, any) error) *Observer {
	return &Observer{
		name: name, process: process, decode: decode,
		known: map[string]State{}, accounts: map[string]*hour{}, months: map[string]string{},
	}
}

// Observe reads the body of a tag page and hands each document it gives to emit, new and changed
// ones only. It returns whether there is a next page to ask for: none of this page was known.
func (o *Observer) Observe(target string, body []byte, now time.Time, emit func(Document) error) (bool, error) {
	now = now.UTC()
	if o.same(target, body, now) {
		return false, nil
	}
	var page Page
	if err := o.decode(body, &page); err != nil {
		return false, err
	}
	posts := make([]Post, len(page.Graphql.Hashtag.Media.Edges))
	seen := seenAt{text: now.Format(micros), version: now.UnixMilli()}
	for i := range posts {
		if err := o.post(page.Graphql.Hashtag.Media.Edges[i].Node, seen.text, &posts[i]); err != nil {
			return false, err
		}
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if err := o.tag(&page, seen, emit); err != nil {
		return false, err
	}
	fresh, lines := 0, 0
	for i := range posts {
		isNew, wrote, err := o.compare(&posts[i], seen, emit)
		if err != nil {
			return false, err
		}
		fresh += isNew
		lines += wrote
	}
	more := fresh == len(posts) && page.Graphql.Hashtag.Media.PageInfo.HasNextPage
	return more, emit(o.account(target, now, seen, len(posts), fresh, lines))
}

type seenAt struct {
	text    string
	version int64
}

// same tells whether the body is that of the last poll, byte for byte: then nothing is parsed.
func (o *Observer) same(target string, body []byte, now time.Time) bool {
	hash := xxhash.Sum64(body)
	o.mu.Lock()
	defer o.mu.Unlock()
	account := o.accountOf(target, now)
	if account.bodyHash == hash {
		account.made++
		account.unchanged++
		return true
	}
	account.bodyHash = hash
	return false
}

func (o *Observer) accountOf(target string, now time.Time) *hour {
	start := now.Truncate(time.Hour).Unix()
	account := o.accounts[target]
	if account == nil || account.start != start {
		account = &hour{start: start}
		o.accounts[target] = account
	}
	return account
}

func (o *Observer) account(target string, now time.Time, seen seenAt, posts, fresh, lines int) Document {
	account := o.accountOf(target, now)
	account.made++
	account.seen += posts
	account.brandNew += fresh
	if lines == 0 {
		account.unchanged++
	}
	begin := time.Unix(account.start, 0).UTC()
	id := target + "@" + begin.Format("2006-01-02T15") + "@" + o.process
	return Document{
		Index: o.index("polls", seen.text), ID: id, Version: seen.version,
		Body: &Poll{
			ID: id, Network: network, ObservedAt: seen.text, Target: target, Hour: begin.Format(whole),
			Observer: o.process, Made: account.made, Unchanged: account.unchanged,
			PostsSeen: account.seen, PostsNew: account.brandNew,
		},
	}
}

func (o *Observer) tag(page *Page, seen seenAt, emit func(Document) error) error {
	tag := &page.Graphql.Hashtag
	name := fold(tag.Name)
	id := network + ":" + name
	state := State{hash: xxhash.Sum64String(name), likes: -1, comments: -1, views: -1, posted: number(tag.Media.Count), at: seen.version}
	before, was := o.known[id]
	changed := !was || before.hash != state.hash || before.posted != state.posted
	if changed {
		body := &Tag{
			ID: id, Network: network, ObservedAt: seen.text, Name: name, Counts: TagCounts{Posts: tag.Media.Count},
			Related: []string{}, Source: source, ParserVersion: parserVersion,
		}
		if err := emit(Document{prefix + "-tags-undated", id, seen.version, body}); err != nil {
			return err
		}
	}
	if was && before.posted == state.posted && seen.version-before.at < snapshotEvery {
		return nil
	}
	o.known[id] = state
	snapshot := &Snapshot{Subject: "tag", SubjectID: id, Tags: []string{name}, Counts: Counts{Posts: tag.Media.Count}}
	return emit(o.snapshot(snapshot, seen, before, state, was))
}

func (o *Observer) compare(post *Post, seen seenAt, emit func(Document) error) (isNew, wrote int, err error) {
	state := State{
		hash: contentHash(post), likes: number(post.Counts.Likes), comments: number(post.Counts.Comments),
		views: number(post.Counts.Views), posted: -1, at: seen.version,
	}
	before, was := o.known[post.ID]
	counted := !was || before.likes != state.likes || before.comments != state.comments || before.views != state.views
	if !was {
		isNew = 1
	}
	if counted || before.hash != state.hash {
		wrote++
		if err := emit(Document{o.index("posts", text(post.CreatedAt)), post.ID, seen.version, post}); err != nil {
			return isNew, wrote, err
		}
	}
	if !counted && seen.version-before.at < snapshotEvery {
		if before.hash != state.hash {
			state.at = before.at
			o.known[post.ID] = state
		}
		return isNew, wrote, nil
	}
	o.known[post.ID] = state
	snapshot := &Snapshot{
		Subject: "post", SubjectID: post.ID, AuthorID: post.AuthorID, AuthorHandle: post.AuthorHandle, Tags: post.Tags,
		CreatedAt: post.CreatedAt,
		Counts:    Counts{Likes: post.Counts.Likes, Comments: post.Counts.Comments, Views: post.Counts.Views},
	}
	return isNew, wrote + 1, emit(o.snapshot(snapshot, seen, before, state, was))
}

// snapshot completes a snapshot with its id, its time and what changed since the last one.
func (o *Observer) snapshot(s *Snapshot, seen seenAt, before, now State, was bool) Document {
	s.ID = s.SubjectID + "@" + strconv.FormatInt(seen.version, 10)
	s.Network, s.ObservedAt, s.Observer = network, seen.text, o.name
	if was {
		at := time.UnixMilli(before.at).UTC().Format(micros)
		s.PreviousAt = &at
		s.Delta = &Counts{
			Likes: growth(now.likes, before.likes), Comments: growth(now.comments, before.comments),
			Views: growth(now.views, before.views), Posts: growth(now.posted, before.posted),
		}
	}
	return Document{o.index("snapshots", seen.text), s.ID, seen.version, s}
}

// index returns the index of a table and the month an RFC 3339 text begins with.
func (o *Observer) index(table, at string) string {
	if len(at) < 7 {
		return prefix + "-" + table + "-undated"
	}
	key := table + at[:7]
	name, ok := o.months[key]
	if !ok {
		name = prefix + "-" + table + "-" + at[:4] + "." + at[5:7]
		o.months[key] = name
	}
	return name
}

var kinds = map[string]string{
	"GraphImage": "image", "GraphVideo": "video", "GraphSidecar": "carousel",
	"XDTGraphImage": "image", "XDTGraphVideo": "video", "XDTGraphSidecar": "carousel",
}

// post fills a post from its node.
func (o *Observer) post(raw json.RawMessage, observedAt string, post *Post) error {
	var node Node
	if err := o.decode(raw, &node); err != nil {
		return err
	}
	*post = Post{
		ID: network + ":" + node.ID, Network: network, ObservedAt: observedAt, NativeID: node.ID,
		Kind: kinds[node.Typename], Tags: []string{}, Mentions: []string{}, Links: []string{}, Media: []Media{},
		Counts: PostCounts{Likes: either(node.LikedBy.Count, node.Likes.Count), Comments: node.Comments.Count, Views: node.Views},
		Source: source, ParserVersion: parserVersion, Raw: raw,
	}
	if post.Kind == "" {
		post.Kind = "image"
	}
	if node.Shortcode != "" {
		url := "https://www.instagram.com/p/" + node.Shortcode + "/"
		post.Code, post.URL = &node.Shortcode, &url
	}
	if node.Owner.ID != "" {
		id := network + ":" + node.Owner.ID
		post.AuthorID = &id
	}
	if node.Owner.Username != "" {
		post.AuthorHandle = &node.Owner.Username
	}
	if node.TakenAt > 0 {
		at := time.Unix(node.TakenAt, 0).UTC().Format(whole)
		post.CreatedAt = &at
	}
	caption(&node, post)
	picture(&node, post)
	place(&node, post)
	engage(post)
	return nil
}

func caption(node *Node, post *Post) {
	if len(node.Caption.Edges) == 0 {
		return
	}
	text := node.Caption.Edges[0].Node.Text
	post.Text = &text
	post.Tags, post.Mentions, post.Links = Hashtags(text), Mentions(text), Links(text)
}

func picture(node *Node, post *Post) {
	url := node.VideoURL
	if url == "" {
		url = node.DisplayURL
	}
	if url == "" {
		return
	}
	kind := "image"
	if node.IsVideo {
		kind = "video"
	}
	post.Media = []Media{{
		Kind: kind, URL: url, Width: node.Dimensions.Width, Height: node.Dimensions.Height,
		Alt: node.Alt, Duration: node.VideoDuration,
	}}
}

func place(node *Node, post *Post) {
	if node.Location == nil {
		return
	}
	if node.Location.Name != "" {
		post.Place = &node.Location.Name
	}
	if node.Location.Lat != nil && node.Location.Lng != nil {
		post.Location = &Location{*node.Location.Lat, *node.Location.Lng}
	}
}

func engage(post *Post) {
	if post.Counts.Likes == nil && post.Counts.Comments == nil {
		return
	}
	var total int64
	for _, part := range []*int64{post.Counts.Likes, post.Counts.Comments} {
		if part != nil {
			total += *part
		}
	}
	post.Engagements = &total
}

// contentHash is of what a person would call the content: no counts, no raw, no signed addresses.
func contentHash(post *Post) uint64 {
	var digest xxhash.Digest
	digest.Reset()
	write := func(text string) {
		_, _ = digest.WriteString(text)
		_, _ = digest.WriteString("\x00")
	}
	for _, each := range []*string{post.Text, post.AuthorID, post.AuthorHandle, post.Place, post.Code, post.CreatedAt} {
		write(text(each))
	}
	write(post.Kind)
	for i := range post.Media {
		write(post.Media[i].Kind)
		write(text(post.Media[i].Alt))
	}
	return digest.Sum64()
}

func text(value *string) string {
	if value == nil {
		return ""
	}
	return *value
}

func number(value *int64) int64 {
	if value == nil || *value < 0 {
		return -1
	}
	return *value
}

func either(values ...*int64) *int64 {
	for _, value := range values {
		if value != nil {
			if *value < 0 { // hidden
				return nil
			}
			return value
		}
	}
	return nil
}

func growth(now, before int64) *int64 {
	if now < 0 || before < 0 {
		return nil
	}
	delta := now - before
	return &delta
}
