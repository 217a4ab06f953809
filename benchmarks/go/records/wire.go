package records

import "encoding/json"

// Page is Instagram's tag page of 2018 to 2021. Nodes stay raw: each is kept whole with its post.
type Page struct {
	Graphql struct {
		Hashtag struct {
			Name  string `json:"name"`
			Media struct {
				Count    *int64 `json:"count"`
				PageInfo struct {
					HasNextPage bool   `json:"has_next_page"`
					EndCursor   string `json:"end_cursor"`
				} `json:"page_info"`
				Edges []struct {
					Node json.RawMessage `json:"node"`
				} `json:"edges"`
			} `json:"edge_hashtag_to_media"`
		} `json:"hashtag"`
	} `json:"graphql"`
}

type count struct {
	Count *int64 `json:"count"`
}

// Node is one post of such a page.
type Node struct {
	Typename string `json:"__typename"`
	ID       string `json:"id"`
	Caption  struct {
		Edges []struct {
			Node struct {
				Text string `json:"text"`
			} `json:"node"`
		} `json:"edges"`
	} `json:"edge_media_to_caption"`
	Shortcode  string `json:"shortcode"`
	Comments   count  `json:"edge_media_to_comment"`
	TakenAt    int64  `json:"taken_at_timestamp"`
	Dimensions struct {
		Height *int64 `json:"height"`
		Width  *int64 `json:"width"`
	} `json:"dimensions"`
	DisplayURL string `json:"display_url"`
	VideoURL   string `json:"video_url"`
	LikedBy    count  `json:"edge_liked_by"`
	Likes      count  `json:"edge_media_preview_like"`
	Owner      struct {
		ID       string `json:"id"`
		Username string `json:"username"`
	} `json:"owner"`
	Location *struct {
		Name string   `json:"name"`
		Lat  *float64 `json:"lat"`
		Lng  *float64 `json:"lng"`
	} `json:"location"`
	IsVideo       bool     `json:"is_video"`
	Views         *int64   `json:"video_view_count"`
	VideoDuration *float64 `json:"video_duration"`
	Alt           *string  `json:"accessibility_caption"`
}
