package wire

// Code names a kind of error. Codes are stable: clients may depend on them.
type Code string

// The codes that the WebSocket handler sends or acts on.
const (
	CodeInternal          Code = "internal"
	CodeUnavailable       Code = "unavailable"        // try again later
	CodeSignatureMissing  Code = "signature_missing"  // or malformed
	CodeSignatureStale    Code = "signature_stale"    // its timestamp is too far from now
	CodeSignatureMismatch Code = "signature_mismatch" // it fits no key
	CodeSignatureReplayed Code = "signature_replayed" // the call was made before
	CodeMalformedJSON     Code = "malformed_json"
	CodeBinaryMessage     Code = "binary_message"
	CodeReplyTooLarge     Code = "reply_too_large"
)
