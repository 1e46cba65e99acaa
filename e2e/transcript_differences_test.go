package e2e

// difference is one step of a recorded transcript at which reverbd, by order of its specification, does not answer as Laravel
// Reverb did. What is given here takes the place of what was recorded, whole: Got and Closed for each connection named, Response
// altogether.
type difference struct {
	transcript string
	step       int // from 0
	decision   int
	why        string
	outcome
}

const (
	invalidFormat = `{"event":"pusher:error","data":"{\"code\":4200,\"message\":\"Invalid message format\"}"}`
	rateLimited   = `{"event":"pusher:error","data":"{\"code\":4301,\"message\":\"Rate limit exceeded\"}"}`
)

// plain is an error of the API in text.
func plain(status int, body string) outcome {
	return outcome{Response: &response{status, "text/plain; charset=utf-8", body}}
}

// differences are all differences there are. A step that differs and is not here fails, and so does a row that is not needed.
var differences = []difference{
	{
		"handshake-unknown-key", 0, 23, "no app says which form the error has, and (1) the end carries a close frame",
		outcome{Got: map[string][]string{"a": {`{"event":"pusher:error","data":{"code":4001,"message":"Application does not exist"}}`}}, Closed: map[string]int{"a": 4001}},
	},
	{"handshake-origin-refused", 0, 1, "a refusal refuses", outcome{Closed: map[string]int{"a": 4009}}},
	{"rate-limit-terminates", 6, 2, "the error is sent, then a close frame", outcome{Got: map[string][]string{"a": {rateLimited}}, Closed: map[string]int{"a": 4301}}},
	{"malformed-messages", 5, 6, "a channel is named by a string", outcome{Got: map[string][]string{"a": {invalidFormat}}}},
	{
		"client-event-members", 8, 8, "a string of JSON stays a string",
		outcome{Got: map[string][]string{"b": {`{"event":"client-str","channel":"private-chat","data":"{\"k\":1}"}`}}},
	},
	{
		"client-event-members", 9, 8, "data is any JSON value",
		outcome{Got: map[string][]string{"a": nil, "b": {`{"event":"client-text","channel":"private-chat","data":"plain"}`}}},
	},
	{"api-errors", 0, 12, "Content-Type on every reply", plain(404, "No matching application for ID [unknown].")},
	{"api-errors", 1, 12, "Content-Type on every reply", plain(401, "Authentication signature invalid.")},
	{"api-errors", 2, 12, "Content-Type on every reply", plain(401, "Authentication signature invalid.")},
	{"api-errors", 12, 12, "Content-Type on every reply", plain(404, "Not found.")},
	{"api-errors", 13, 12, "Content-Type on every reply", plain(405, "Method not allowed.")},
	{"api-errors", 14, 12, "Content-Type on every reply", plain(413, "Payload too large.")},
	{
		"cache-channel", 5, 27, "info=cache as Pusher has it",
		outcome{Response: &response{200, "application/json", `{"occupied":true,"subscription_count":2,"cache":{"data":"{\"home\":1}","ttl":"{seconds}"}}`}},
	},
	{"api-channels", 6, 14, "an object, whether or not it is empty", outcome{Response: &response{200, "application/json", `{"channels":{}}`}}},
}

// overlay is the outcome that is expected where d applies.
func (d difference) overlay(recorded outcome) outcome {
	o := outcome{Got: map[string][]string{}, Closed: map[string]int{}, Response: recorded.Response}
	for conn, texts := range recorded.Got {
		o.Got[conn] = texts
	}
	for conn, code := range recorded.Closed {
		o.Closed[conn] = code
	}
	for conn, texts := range d.Got {
		o.Got[conn] = texts
	}
	for conn, code := range d.Closed {
		o.Closed[conn] = code
	}
	if d.Response != nil {
		o.Response = d.Response
	}
	return o
}
