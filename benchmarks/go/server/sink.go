package main

import (
	"bytes"
	"fmt"
	"maps"
	"strings"
	"sync"

	"github.com/cespare/xxhash/v2"
)

// sink counts what a bulk request delivers and forgets it: an Elasticsearch that costs nothing.
type sink struct {
	mu       sync.Mutex
	requests int
	bytes    int
	docs     map[string]int // by table
	posts    uint64         // sum of the hashes of the posts' ids: equal for equal sets
	keep     int
	kept     [][]byte // the first documents with their actions
}

type totals struct {
	Requests int            `json:"requests"`
	Bytes    int            `json:"bytes"`
	Docs     map[string]int `json:"docs"`
	Posts    string         `json:"posts"`
	Polls    map[string]int `json:"polls"`
}

func (s *sink) reset(keep int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests, s.bytes, s.posts, s.keep = 0, 0, 0, keep
	s.docs, s.kept = map[string]int{}, nil
}

func (s *sink) totals() totals {
	s.mu.Lock()
	defer s.mu.Unlock()
	return totals{Requests: s.requests, Bytes: s.bytes, Docs: maps.Clone(s.docs), Posts: fmt.Sprintf("%016x", s.posts)}
}

// take counts the documents of a bulk body and returns their number.
func (s *sink) take(body []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests++
	s.bytes += len(body)
	count := 0
	for rest := body; len(rest) > 0; count++ {
		action, more, _ := bytes.Cut(rest, []byte("\n"))
		document, left, ended := bytes.Cut(more, []byte("\n"))
		if !ended || !bytes.HasPrefix(action, []byte(`{"index":{`)) || len(document) < 2 || document[0] != '{' || document[len(document)-1] != '}' {
			return count, fmt.Errorf("line %d is no document: %.60q", 2*count, action)
		}
		if !bytes.Contains(action, []byte(`"external_gte"`)) {
			return count, fmt.Errorf("line %d has no external version: %.60q", 2*count, action)
		}
		table := tableOf(action)
		s.docs[table]++
		if table == "posts" {
			s.posts += xxhash.Sum64(value(action, `"_id":"`))
		}
		if len(s.kept) < 2*s.keep {
			s.kept = append(s.kept, bytes.Clone(action), bytes.Clone(document))
		}
		rest = left
	}
	return count, nil
}

// tableOf returns "posts" of "_index":"taglake-posts-2026.11".
func tableOf(action []byte) string {
	parts := bytes.SplitN(value(action, `"_index":"`), []byte("-"), 3)
	if len(parts) < 2 {
		return "?"
	}
	return string(parts[1])
}

func value(action []byte, key string) []byte {
	_, after, _ := bytes.Cut(action, []byte(key))
	found, _, _ := bytes.Cut(after, []byte(`"`))
	return found
}

// answer returns what Elasticsearch answers when all went well, reduced by filter_path.
func answer(count int, filterPath string) []byte {
	if filterPath == "" {
		one := `{"index":{"_index":"taglake-posts-2026.11","_id":"instagram:2498000000000000000","_version":1763719200000,` +
			`"result":"created","_shards":{"total":1,"successful":1,"failed":0},"_seq_no":1,"_primary_term":1,"status":201}}`
		return fmt.Appendf(nil, `{"errors":false,"took":12,"items":[%s]}`, strings.TrimSuffix(strings.Repeat(one+",", count), ","))
	}
	errors := ""
	wanted := strings.Split(filterPath, ",")
	items := false
	for _, path := range wanted {
		items = items || path == "items.*.status"
		if path == "errors" {
			errors = `"errors":false`
		}
	}
	if !items {
		return []byte("{" + errors + "}")
	}
	if errors != "" {
		errors += ","
	}
	one := `{"index":{"status":201}}`
	return fmt.Appendf(nil, `{%s"items":[%s]}`, errors, strings.TrimSuffix(strings.Repeat(one+",", count), ","))
}
