package pusher

import "testing"

func TestErrors(t *testing.T) {
	for _, c := range []struct {
		err  *Error
		data string
	}{
		{ErrUnknownApp, `{"code":4001,"message":"Application does not exist"}`},
		{ErrOverQuota, `{"code":4004,"message":"Application is over connection quota"}`},
		{ErrOrigin, `{"code":4009,"message":"Origin not allowed"}`},
		{ErrUnauthorized, `{"code":4009,"message":"Connection is unauthorized"}`},
		{ErrNoUserID, `{"code":4009,"message":"Presence channels need channel_data with a user_id."}`},
		{ErrNotMember, `{"code":4009,"message":"The client is not a member of the specified channel."}`},
		{ErrOverCapacity, `{"code":4100,"message":"Over capacity"}`},
		{ErrInvalidFormat, `{"code":4200,"message":"Invalid message format"}`},
		{ErrPongTimeout, `{"code":4201,"message":"Pong reply not received in time"}`},
		{ErrClientEventsOff, `{"code":4301,"message":"The app does not have client messaging enabled."}`},
		{ErrRateLimit, `{"code":4301,"message":"Rate limit exceeded"}`},
	} {
		t.Run(c.err.Message, func(t *testing.T) {
			want := `{"event":"pusher:error","data":` + c.data + `}`
			if got := string(AppendError(nil, c.err.Code, c.err.Message)); got != want {
				t.Errorf("got  %s\nwant %s", got, want)
			}
		})
	}
	if got := ErrOrigin.Error(); got != "pusher error 4009: Origin not allowed" {
		t.Error(got)
	}
}
