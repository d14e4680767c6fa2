; Expressions inside YAML: to be added to the injections of the YAML grammar (docs/editor.md says where).
; Plain and block scalars as they are; quoted ones without their quotes.

((block_mapping_pair
  key: (flow_node) @_key
  value: (flow_node (plain_scalar) @injection.content))
  (#any-of? @_key "match" "matchOnly" "when" "expr")
  (#set! injection.language "selfsame"))

((block_mapping_pair
  key: (flow_node) @_key
  value: (flow_node [(single_quote_scalar) (double_quote_scalar)] @injection.content))
  (#any-of? @_key "match" "matchOnly" "when" "expr")
  (#offset! @injection.content 0 1 0 -1)
  (#set! injection.language "selfsame"))

((block_mapping_pair
  key: (flow_node) @_key
  value: (block_node (block_scalar) @injection.content))
  (#any-of? @_key "match" "matchOnly" "when" "expr")
  (#offset! @injection.content 0 1 0 0)
  (#set! injection.language "selfsame"))

; Definitions of a Matcher, whose keys are their names.
((block_mapping_pair
  key: (flow_node) @_key
  value: (block_node (block_mapping (block_mapping_pair
    value: (flow_node (plain_scalar) @injection.content)))))
  (#eq? @_key "define")
  (#set! injection.language "selfsame"))
