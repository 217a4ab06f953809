// Package records holds what the Go peers share: the documents of the lake, the wire format they
// read, and the comparison of a page with what is known. Fields and rules are those of lake.records
// and ingestor.observe.
package records

import "encoding/json"

// PostCounts are the public counts of one post; nil where the network does not tell one.
type PostCounts struct {
	Likes    *int64 `json:"likes"`
	Comments *int64 `json:"comments"`
	Shares   *int64 `json:"shares"`
	Views    *int64 `json:"views"`
	Quotes   *int64 `json:"quotes"`
}

// Counts is the union of all counts, as a snapshot keeps them.
type Counts struct {
	Likes     *int64 `json:"likes"`
	Comments  *int64 `json:"comments"`
	Shares    *int64 `json:"shares"`
	Views     *int64 `json:"views"`
	Quotes    *int64 `json:"quotes"`
	Followers *int64 `json:"followers"`
	Following *int64 `json:"following"`
	Posts     *int64 `json:"posts"`
}

// Media is one picture or film of a post.
type Media struct {
	Kind     string   `json:"kind"`
	URL      string   `json:"url"`
	Width    *int64   `json:"width"`
	Height   *int64   `json:"height"`
	Alt      *string  `json:"alt"`
	Duration *float64 `json:"duration"`
}

// Location is a point on the globe.
type Location struct {
	Lat float64 `json:"lat"`
	Lon float64 `json:"lon"`
}

// Post is one publication with its newest counts. Times are RFC 3339 texts: one for a whole page.
type Post struct {
	ID              string          `json:"id"`
	Network         string          `json:"network"`
	ObservedAt      string          `json:"observed_at"`
	NativeID        string          `json:"native_id"`
	Code            *string         `json:"code"`
	URL             *string         `json:"url"`
	Kind            string          `json:"kind"`
	AuthorID        *string         `json:"author_id"`
	AuthorHandle    *string         `json:"author_handle"`
	AuthorFollowers *int64          `json:"author_followers"`
	Text            *string         `json:"text"`
	Lang            *string         `json:"lang"`
	Tags            []string        `json:"tags"`
	Mentions        []string        `json:"mentions"`
	Links           []string        `json:"links"`
	Media           []Media         `json:"media"`
	Place           *string         `json:"place"`
	Location        *Location       `json:"location"`
	CreatedAt       *string         `json:"created_at"`
	EditedAt        *string         `json:"edited_at"`
	DeletedAt       *string         `json:"deleted_at"`
	Counts          PostCounts      `json:"counts"`
	ReplyTo         *string         `json:"reply_to"`
	RepostOf        *string         `json:"repost_of"`
	Source          string          `json:"source"`
	ParserVersion   int             `json:"parser_version"`
	Raw             json.RawMessage `json:"raw"`
	Engagements     *int64          `json:"engagements,omitempty"`
}

// TagCounts is how many posts the network says bear a tag.
type TagCounts struct {
	Posts *int64 `json:"posts"`
}

// Tag is one hashtag as the network describes it.
type Tag struct {
	ID            string          `json:"id"`
	Network       string          `json:"network"`
	ObservedAt    string          `json:"observed_at"`
	Name          string          `json:"name"`
	Counts        TagCounts       `json:"counts"`
	Related       []string        `json:"related"`
	Source        string          `json:"source"`
	ParserVersion int             `json:"parser_version"`
	Raw           json.RawMessage `json:"raw"`
}

// Snapshot is the counts of one subject at one instant, and what changed since the last one.
type Snapshot struct {
	ID           string   `json:"id"`
	Network      string   `json:"network"`
	ObservedAt   string   `json:"observed_at"`
	Subject      string   `json:"subject"`
	SubjectID    string   `json:"subject_id"`
	AuthorID     *string  `json:"author_id"`
	AuthorHandle *string  `json:"author_handle"`
	Tags         []string `json:"tags"`
	CreatedAt    *string  `json:"created_at"`
	PreviousAt   *string  `json:"previous_at"`
	Observer     string   `json:"observer"`
	Counts       Counts   `json:"counts"`
	Delta        *Counts  `json:"delta"`
}

// Poll is what a target's polls of one hour came to.
type Poll struct {
	ID                 string  `json:"id"`
	Network            string  `json:"network"`
	ObservedAt         string  `json:"observed_at"`
	Target             string  `json:"target"`
	Hour               string  `json:"hour"`
	Observer           string  `json:"observer"`
	Planned            int     `json:"planned"`
	Made               int     `json:"made"`
	Unchanged          int     `json:"unchanged"`
	Failed             int     `json:"failed"`
	PostsSeen          int     `json:"posts_seen"`
	PostsNew           int     `json:"posts_new"`
	RateLimitedSeconds float64 `json:"rate_limited_seconds"`
}
