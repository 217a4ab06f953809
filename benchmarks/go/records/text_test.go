package records

import (
	"slices"
	"testing"
)

func TestTextOfACaption(t *testing.T) {
	text := "##a #Été❤️ x#no #1 &#39; ＃東京_a #ﬀ #A/b/#c @Me.you. a@b @x https://A.example/x). http://"
	if found := Hashtags(text); !slices.Equal(found, []string{"a", "été", "1", "東京_a", "ff"}) {
		t.Error(found)
	}
	if found := Mentions(text); !slices.Equal(found, []string{"me.you", "x"}) {
		t.Error(found)
	}
	if found := Links(text); !slices.Equal(found, []string{"https://A.example/x"}) {
		t.Error(found)
	}
}
