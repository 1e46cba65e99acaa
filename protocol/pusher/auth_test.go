package pusher

import (
	"strings"
	"testing"
)

// The worked examples of https://pusher.com/docs/channels/library_auth_reference/auth-signatures/.
const (
	documentedKey    = "278d425bdf160c739803"
	documentedSecret = "7ad3773142a6692b25b8"
	privateSignature = "58df8b0c36d6982b82c3ecf6b4662e34fe8c25bba48f5369f135bf843651c3a4"
	memberSignature  = "31935e7d86dba64c2a90aed31fdc61869f9b22ba9d8863bba239c03ca481bc80"
	memberData       = `{"user_id":10,"user_info":{"name":"Mr. Channels"}}`
)

var documentedSocket = newSocketID(1234, 1234)

func TestChannelSignature(t *testing.T) {
	if got := ChannelSignature(documentedSecret, documentedSocket, []byte("private-foobar"), nil); got != privateSignature {
		t.Errorf("private: %s", got)
	}
	if got := ChannelSignature(documentedSecret, documentedSocket, []byte("presence-foobar"), []byte(memberData)); got != memberSignature {
		t.Errorf("presence: %s", got)
	}
}

func TestVerifyChannel(t *testing.T) {
	for _, c := range []struct {
		name, auth, channel, channelData string
		want                             bool
	}{
		{"private", documentedKey + ":" + privateSignature, "private-foobar", "", true},
		{"presence", documentedKey + ":" + memberSignature, "presence-foobar", memberData, true},
		{"key not checked", "other:" + privateSignature, "private-foobar", "", true},
		{"no key", ":" + privateSignature, "private-foobar", "", true},
		{"no colon", privateSignature, "private-foobar", "", true},
		{"second colon", "a:b:" + privateSignature, "private-foobar", "", false},
		{"capital letters", "k:" + strings.ToUpper(privateSignature), "private-foobar", "", false},
		{"empty", "", "private-foobar", "", false},
		{"key alone", documentedKey + ":", "private-foobar", "", false},
		{"cut short", "k:" + privateSignature[:63], "private-foobar", "", false},
		{"one more", "k:" + privateSignature + "0", "private-foobar", "", false},
		{"another channel", "k:" + privateSignature, "private-other", "", false},
		{"channel_data added", "k:" + privateSignature, "private-foobar", "{}", false},
		{"channel_data left out", "k:" + memberSignature, "presence-foobar", "", false},
		{"channel_data changed", "k:" + memberSignature, "presence-foobar", `{"user_id":11}`, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			var channelData []byte
			if c.channelData != "" {
				channelData = []byte(c.channelData)
			}
			if VerifyChannel(documentedSecret, []byte(c.auth), documentedSocket, []byte(c.channel), channelData) != c.want {
				t.Errorf("want %v", c.want)
			}
		})
	}
	if VerifyChannel("wrong", []byte(privateSignature), documentedSocket, []byte("private-foobar"), nil) {
		t.Error("another secret passes")
	}
	if VerifyChannel(documentedSecret, []byte(privateSignature), newSocketID(1234, 1235), []byte("private-foobar"), nil) {
		t.Error("another socket passes")
	}
}

// channel_data is signed on private channels too, whatever it says.
func TestChannelDataOfAPrivateChannel(t *testing.T) {
	signature := ChannelSignature("secret", documentedSocket, []byte("private-a"), []byte("x"))
	if !VerifyChannel("secret", []byte("key:"+signature), documentedSocket, []byte("private-a"), []byte("x")) {
		t.Error("refused")
	}
}

func BenchmarkVerifyChannel(b *testing.B) {
	auth, channel := []byte(documentedKey+":"+privateSignature), []byte("private-foobar")
	b.ReportAllocs()
	for b.Loop() {
		if !VerifyChannel(documentedSecret, auth, documentedSocket, channel, nil) {
			b.Fatal("refused")
		}
	}
}
