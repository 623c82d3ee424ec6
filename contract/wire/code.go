package wire

// Code identifies a kind of error. Codes are stable: clients may depend on them.
type Code string

// The codes that the WebSocket handler sends or acts on.
const (
	CodeInternal          Code = "internal"
	CodeUnavailable       Code = "unavailable"        // try again later
	CodeSignatureMissing  Code = "signature_missing"  // or malformed
	CodeSignatureStale    Code = "signature_stale"    // the timestamp is too far from now
	CodeSignatureMismatch Code = "signature_mismatch" // no key produces this signature
	CodeSignatureReplayed Code = "signature_replayed" // the call was made before
	CodeMalformedJSON     Code = "malformed_json"
	CodeBinaryMessage     Code = "binary_message"
	CodeReplyTooLarge     Code = "reply_too_large"
)
