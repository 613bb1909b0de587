// Written by wasm/inspect/typescript_test.go: what the WASM module says, and where it lies in memory.

export const rowWindow = {
  capacity: 512,
  size: 156672,
  columns: {
    seq: { offset: 0, type: "uint64", length: 512 },
    time: { offset: 4096, type: "int64", length: 512 },
    length: { offset: 8192, type: "uint64", length: 512 },
    conn: { offset: 12288, type: "uint32", length: 512 },
    broken: { offset: 14336, type: "uint32", length: 512 },
    start: { offset: 16384, type: "uint32", length: 512 },
    textOffset: { offset: 18432, type: "uint32", length: 512 },
    fragment: { offset: 20480, type: "uint16", length: 512 },
    code: { offset: 21504, type: "uint16", length: 512 },
    textLength: { offset: 22528, type: "uint16", length: 512 },
    opcode: { offset: 23552, type: "uint8", length: 512 },
    rsv: { offset: 24064, type: "uint8", length: 512 },
    flags: { offset: 24576, type: "uint8", length: 512 },
    rule: { offset: 25088, type: "uint8", length: 512 },
    text: { offset: 25600, type: "uint8", length: 131072 },
  },
} as const;

export const connWindow = {
  capacity: 256,
  size: 146944,
  columns: {
    opened: { offset: 0, type: "int64", length: 256 },
    ended: { offset: 2048, type: "int64", length: 256 },
    bytesIn: { offset: 4096, type: "uint64", length: 256 },
    bytesOut: { offset: 6144, type: "uint64", length: 256 },
    id: { offset: 8192, type: "uint32", length: 256 },
    framesIn: { offset: 9216, type: "uint32", length: 256 },
    framesOut: { offset: 10240, type: "uint32", length: 256 },
    breaches: { offset: 11264, type: "uint32", length: 256 },
    textOffset: { offset: 12288, type: "uint32", length: 256 },
    status: { offset: 13312, type: "uint16", length: 256 },
    code: { offset: 13824, type: "uint16", length: 256 },
    textLength: { offset: 14336, type: "uint16", length: 256 },
    remote: { offset: 14848, type: "uint16", length: 256 },
    state: { offset: 15360, type: "uint8", length: 256 },
    closer: { offset: 15616, type: "uint8", length: 256 },
    text: { offset: 15872, type: "uint8", length: 131072 },
  },
} as const;

/** Counts of the state block, by their index among its 64-bit numbers. */
export const stateIndex = {
  seen: 0,
  held: 1,
  matched: 2,
  lost: 3,
  evicted: 4,
  breaches: 5,
  connections: 6,
  openConnections: 7,
  connectionsSeen: 8,
  bytesHeld: 9,
  budget: 10,
  lastSeq: 11,
} as const;

/** The names of all sixteen opcodes; a reserved one has its number. */
export const opcodes = [
  "continuation",
  "text",
  "binary",
  "0x3",
  "0x4",
  "0x5",
  "0x6",
  "0x7",
  "close",
  "ping",
  "pong",
  "0xb",
  "0xc",
  "0xd",
  "0xe",
  "0xf",
] as const;

/** The bits of a row's flags. */
export const rowFlag = {
  fin: 1,
  masked: 2,
  server: 4,
  cut: 8,
  partial: 16,
  text: 32,
  compressed: 64,
  lost: 128,
} as const;

/** The states of a connection, by their number. */
export const connStates = ["handshake", "open", "closed", "refused"] as const;

/** Who closed a connection first. */
export const closer = { client: 0, server: 1, unknown: 2 } as const;

/** Every rule of the RFC that a frame can break, in order of its number. */
export const rules = [
  { id: "rsv-unexpected", section: "RFC 6455 5.2", closeCode: 1002 },
  { id: "deflate-rsv1-continuation", section: "RFC 7692 6", closeCode: 1002 },
  { id: "opcode-reserved", section: "RFC 6455 5.2", closeCode: 1002 },
  { id: "control-too-long", section: "RFC 6455 5.5", closeCode: 1002 },
  { id: "control-fragmented", section: "RFC 6455 5.5", closeCode: 1002 },
  { id: "client-unmasked", section: "RFC 6455 5.1", closeCode: 1002 },
  { id: "server-masked", section: "RFC 6455 5.1", closeCode: 1002 },
  { id: "length-not-minimal", section: "RFC 6455 5.2", closeCode: 1002 },
  { id: "length-high-bit", section: "RFC 6455 5.2", closeCode: 1002 },
  { id: "continuation-unexpected", section: "RFC 6455 5.4", closeCode: 1002 },
  { id: "continuation-expected", section: "RFC 6455 5.4", closeCode: 1002 },
  { id: "frame-after-close", section: "RFC 6455 5.5.1", closeCode: 1002 },
  { id: "message-too-big", section: "RFC 6455 10.4", closeCode: 1009 },
  { id: "deflate-corrupt", section: "RFC 7692 7.2.2", closeCode: 1007 },
  { id: "utf8-invalid", section: "RFC 6455 8.1", closeCode: 1007 },
  { id: "close-length-one", section: "RFC 6455 5.5.1", closeCode: 1002 },
  { id: "close-code-invalid", section: "RFC 6455 7.4", closeCode: 1002 },
  { id: "close-reason-utf8", section: "RFC 6455 5.5.1", closeCode: 1007 },
] as const;

/** A 64-bit number as decimal text, which JavaScript would round as a number. */
export type Big = string;

export interface FrameField {
  name: string;
  bit: number;
  bits: number;
  value: Big;
  text: string;
  section: string;
}

export interface FrameBreach {
  rule: string;
  text: string;
  section: string;
  closeCode: number;
}

export interface FrameDetail {
  seq: Big;
  conn: number;
  dir: string;
  time: Big;
  opcode: string;
  fin: boolean;
  length: Big;
  headerSize: number;
  captured: number;
  wireSize: Big;
  cut: boolean;
  partial: boolean;
  /** Part of a compressed message; the payload that comes with it is inflated then. */
  compressed: boolean;
  inflatedSize: Big | null;
  /** Why it is not inflated, or not all of it, as a sentence; or empty. */
  inflateNote: string;
  /** The first bytes of the payload as on the wire, but unmasked, in hex. */
  unmasked: string;
  fields: FrameField[];
  breaches: FrameBreach[];
  message: { kind: string; firstSeq: Big; fragment: number; last: boolean } | null;
  close: { code: number; name: string; reason: string } | null;
  payloadKind: string;
  payloadValid: boolean;
}

export interface HandshakeHead {
  line: string;
  fields: string[][];
  raw: string;
}

export interface HandshakeCheck {
  of: string;
  ok: boolean;
  what: string;
  seen: string;
  reason: string;
  section: string;
}

export interface HandshakeDetail {
  conn: number;
  remote: string;
  request: HandshakeHead | null;
  response: HandshakeHead | null;
  checks: HandshakeCheck[];
  /** What was agreed on of compression, a sentence for each side. */
  compression: string[];
  key: string;
  guid: string;
  accept: string;
  acceptComputed: string;
  acceptOK: boolean;
}

export const goldenDetail1 = {
  "seq": "1",
  "conn": 1,
  "dir": "in",
  "time": "1700000000000412000",
  "opcode": "text",
  "fin": true,
  "length": "5",
  "headerSize": 6,
  "captured": 11,
  "wireSize": "11",
  "cut": false,
  "partial": false,
  "compressed": false,
  "inflatedSize": null,
  "inflateNote": "",
  "unmasked": "48 65 6c 6c 6f",
  "fields": [
    {
      "name": "fin",
      "bit": 0,
      "bits": 1,
      "value": "1",
      "text": "The message ends with this frame: it is whole.",
      "section": "RFC 6455 5.4"
    },
    {
      "name": "rsv1",
      "bit": 1,
      "bits": 1,
      "value": "0",
      "text": "Reserved, 0: no extension uses this bit here.",
      "section": "RFC 6455 5.2"
    },
    {
      "name": "rsv2",
      "bit": 2,
      "bits": 1,
      "value": "0",
      "text": "Reserved, 0: no extension uses this bit here.",
      "section": "RFC 6455 5.2"
    },
    {
      "name": "rsv3",
      "bit": 3,
      "bits": 1,
      "value": "0",
      "text": "Reserved, 0: no extension uses this bit here.",
      "section": "RFC 6455 5.2"
    },
    {
      "name": "opcode",
      "bit": 4,
      "bits": 4,
      "value": "1",
      "text": "Text: a message of UTF-8 begins here.",
      "section": "RFC 6455 5.6"
    },
    {
      "name": "mask",
      "bit": 8,
      "bits": 1,
      "value": "1",
      "text": "Masked, as every frame from a client must be: a masking key follows.",
      "section": "RFC 6455 5.1"
    },
    {
      "name": "payload-len",
      "bit": 9,
      "bits": 7,
      "value": "5",
      "text": "The payload is 5 bytes long; up to 125 fit here.",
      "section": "RFC 6455 5.2"
    },
    {
      "name": "masking-key",
      "bit": 16,
      "bits": 32,
      "value": "939139389",
      "text": "Payload byte i is XORed with byte i mod 4 of this key, chosen anew for each frame.",
      "section": "RFC 6455 5.3"
    }
  ],
  "breaches": [],
  "message": {
    "kind": "text",
    "firstSeq": "1",
    "fragment": 0,
    "last": true
  },
  "close": null,
  "payloadKind": "text",
  "payloadValid": true
} satisfies FrameDetail;

export const goldenDetail5 = {
  "seq": "5",
  "conn": 1,
  "dir": "in",
  "time": "1700000000000531000",
  "opcode": "continuation",
  "fin": true,
  "length": "8",
  "headerSize": 6,
  "captured": 14,
  "wireSize": "14",
  "cut": false,
  "partial": false,
  "compressed": false,
  "inflatedSize": null,
  "inflateNote": "",
  "unmasked": "20 61 6e 20 61 6c 6c 65",
  "fields": [
    {
      "name": "fin",
      "bit": 0,
      "bits": 1,
      "value": "1",
      "text": "The last fragment: the message ends here.",
      "section": "RFC 6455 5.4"
    },
    {
      "name": "rsv1",
      "bit": 1,
      "bits": 1,
      "value": "0",
      "text": "Reserved, 0: no extension uses this bit here.",
      "section": "RFC 6455 5.2"
    },
    {
      "name": "rsv2",
      "bit": 2,
      "bits": 1,
      "value": "0",
      "text": "Reserved, 0: no extension uses this bit here.",
      "section": "RFC 6455 5.2"
    },
    {
      "name": "rsv3",
      "bit": 3,
      "bits": 1,
      "value": "0",
      "text": "Reserved, 0: no extension uses this bit here.",
      "section": "RFC 6455 5.2"
    },
    {
      "name": "opcode",
      "bit": 4,
      "bits": 4,
      "value": "0",
      "text": "Continuation: goes on with the message that an earlier frame began.",
      "section": "RFC 6455 5.4"
    },
    {
      "name": "mask",
      "bit": 8,
      "bits": 1,
      "value": "1",
      "text": "Masked, as every frame from a client must be: a masking key follows.",
      "section": "RFC 6455 5.1"
    },
    {
      "name": "payload-len",
      "bit": 9,
      "bits": 7,
      "value": "8",
      "text": "The payload is 8 bytes long; up to 125 fit here.",
      "section": "RFC 6455 5.2"
    },
    {
      "name": "masking-key",
      "bit": 16,
      "bits": 32,
      "value": "939139389",
      "text": "Payload byte i is XORed with byte i mod 4 of this key, chosen anew for each frame.",
      "section": "RFC 6455 5.3"
    }
  ],
  "breaches": [],
  "message": {
    "kind": "text",
    "firstSeq": "3",
    "fragment": 2,
    "last": true
  },
  "close": null,
  "payloadKind": "text",
  "payloadValid": true
} satisfies FrameDetail;

export const goldenDetail7 = {
  "seq": "7",
  "conn": 1,
  "dir": "in",
  "time": "1700000000000595000",
  "opcode": "text",
  "fin": true,
  "length": "1",
  "headerSize": 2,
  "captured": 3,
  "wireSize": "3",
  "cut": false,
  "partial": false,
  "compressed": false,
  "inflatedSize": null,
  "inflateNote": "",
  "unmasked": "61",
  "fields": [
    {
      "name": "fin",
      "bit": 0,
      "bits": 1,
      "value": "1",
      "text": "The message ends with this frame: it is whole.",
      "section": "RFC 6455 5.4"
    },
    {
      "name": "rsv1",
      "bit": 1,
      "bits": 1,
      "value": "1",
      "text": "Set: only an extension that both sides agreed on may give it a meaning.",
      "section": "RFC 6455 5.2"
    },
    {
      "name": "rsv2",
      "bit": 2,
      "bits": 1,
      "value": "0",
      "text": "Reserved, 0: no extension uses this bit here.",
      "section": "RFC 6455 5.2"
    },
    {
      "name": "rsv3",
      "bit": 3,
      "bits": 1,
      "value": "0",
      "text": "Reserved, 0: no extension uses this bit here.",
      "section": "RFC 6455 5.2"
    },
    {
      "name": "opcode",
      "bit": 4,
      "bits": 4,
      "value": "1",
      "text": "Text: a message of UTF-8 begins here.",
      "section": "RFC 6455 5.6"
    },
    {
      "name": "mask",
      "bit": 8,
      "bits": 1,
      "value": "0",
      "text": "Not masked, but every frame from a client must be.",
      "section": "RFC 6455 5.1"
    },
    {
      "name": "payload-len",
      "bit": 9,
      "bits": 7,
      "value": "1",
      "text": "The payload is 1 byte long; up to 125 fit here.",
      "section": "RFC 6455 5.2"
    }
  ],
  "breaches": [
    {
      "rule": "rsv-unexpected",
      "text": "reserved bits 100 (RSV1 RSV2 RSV3) are set and no extension gives them a meaning",
      "section": "RFC 6455 5.2",
      "closeCode": 1002
    },
    {
      "rule": "client-unmasked",
      "text": "frame from the client is not masked",
      "section": "RFC 6455 5.1",
      "closeCode": 1002
    }
  ],
  "message": {
    "kind": "text",
    "firstSeq": "7",
    "fragment": 0,
    "last": true
  },
  "close": null,
  "payloadKind": "extension",
  "payloadValid": true
} satisfies FrameDetail;

export const goldenDetail9 = {
  "seq": "9",
  "conn": 1,
  "dir": "in",
  "time": "1700000000000647000",
  "opcode": "close",
  "fin": true,
  "length": "5",
  "headerSize": 6,
  "captured": 11,
  "wireSize": "11",
  "cut": false,
  "partial": false,
  "compressed": false,
  "inflatedSize": null,
  "inflateNote": "",
  "unmasked": "03 e8 62 79 65",
  "fields": [
    {
      "name": "fin",
      "bit": 0,
      "bits": 1,
      "value": "1",
      "text": "Set, as in every control frame: they are never fragmented.",
      "section": "RFC 6455 5.4"
    },
    {
      "name": "rsv1",
      "bit": 1,
      "bits": 1,
      "value": "0",
      "text": "Reserved, 0: no extension uses this bit here.",
      "section": "RFC 6455 5.2"
    },
    {
      "name": "rsv2",
      "bit": 2,
      "bits": 1,
      "value": "0",
      "text": "Reserved, 0: no extension uses this bit here.",
      "section": "RFC 6455 5.2"
    },
    {
      "name": "rsv3",
      "bit": 3,
      "bits": 1,
      "value": "0",
      "text": "Reserved, 0: no extension uses this bit here.",
      "section": "RFC 6455 5.2"
    },
    {
      "name": "opcode",
      "bit": 4,
      "bits": 4,
      "value": "8",
      "text": "Close: the sender is done; the other side answers with a close.",
      "section": "RFC 6455 5.5.1"
    },
    {
      "name": "mask",
      "bit": 8,
      "bits": 1,
      "value": "1",
      "text": "Masked, as every frame from a client must be: a masking key follows.",
      "section": "RFC 6455 5.1"
    },
    {
      "name": "payload-len",
      "bit": 9,
      "bits": 7,
      "value": "5",
      "text": "The payload is 5 bytes long; up to 125 fit here.",
      "section": "RFC 6455 5.2"
    },
    {
      "name": "masking-key",
      "bit": 16,
      "bits": 32,
      "value": "939139389",
      "text": "Payload byte i is XORed with byte i mod 4 of this key, chosen anew for each frame.",
      "section": "RFC 6455 5.3"
    }
  ],
  "breaches": [],
  "message": null,
  "close": {
    "code": 1000,
    "name": "1000 normal closure",
    "reason": "bye"
  },
  "payloadKind": "close",
  "payloadValid": false
} satisfies FrameDetail;

export const goldenCompressed = {
  "seq": "1",
  "conn": 1,
  "dir": "in",
  "time": "1700000000000583000",
  "opcode": "text",
  "fin": false,
  "length": "9",
  "headerSize": 6,
  "captured": 15,
  "wireSize": "15",
  "cut": false,
  "partial": false,
  "compressed": true,
  "inflatedSize": "8",
  "inflateNote": "",
  "unmasked": "2a c9 48 55 28 4e cc 4d 55",
  "fields": [
    {
      "name": "fin",
      "bit": 0,
      "bits": 1,
      "value": "0",
      "text": "More fragments of this message follow.",
      "section": "RFC 6455 5.4"
    },
    {
      "name": "rsv1",
      "bit": 1,
      "bits": 1,
      "value": "1",
      "text": "Set: this message is compressed, as both sides agreed (permessage-deflate).",
      "section": "RFC 7692 6"
    },
    {
      "name": "rsv2",
      "bit": 2,
      "bits": 1,
      "value": "0",
      "text": "Reserved, 0: no extension uses this bit here.",
      "section": "RFC 6455 5.2"
    },
    {
      "name": "rsv3",
      "bit": 3,
      "bits": 1,
      "value": "0",
      "text": "Reserved, 0: no extension uses this bit here.",
      "section": "RFC 6455 5.2"
    },
    {
      "name": "opcode",
      "bit": 4,
      "bits": 4,
      "value": "1",
      "text": "Text: a message of UTF-8 begins here.",
      "section": "RFC 6455 5.6"
    },
    {
      "name": "mask",
      "bit": 8,
      "bits": 1,
      "value": "1",
      "text": "Masked, as every frame from a client must be: a masking key follows.",
      "section": "RFC 6455 5.1"
    },
    {
      "name": "payload-len",
      "bit": 9,
      "bits": 7,
      "value": "9",
      "text": "The payload is 9 bytes long; up to 125 fit here.",
      "section": "RFC 6455 5.2"
    },
    {
      "name": "masking-key",
      "bit": 16,
      "bits": 32,
      "value": "939139389",
      "text": "Payload byte i is XORed with byte i mod 4 of this key, chosen anew for each frame.",
      "section": "RFC 6455 5.3"
    }
  ],
  "breaches": [],
  "message": {
    "kind": "text",
    "firstSeq": "1",
    "fragment": 1,
    "last": false
  },
  "close": null,
  "payloadKind": "text",
  "payloadValid": true
} satisfies FrameDetail;

export const goldenHandshake = {
  "conn": 1,
  "remote": "127.0.0.1:5",
  "request": {
    "line": "GET /ws/echo HTTP/1.1",
    "fields": [
      [
        "Host",
        "localhost:8080"
      ],
      [
        "Upgrade",
        "websocket"
      ],
      [
        "Connection",
        "Upgrade"
      ],
      [
        "Sec-WebSocket-Key",
        "dGhlIHNhbXBsZSBub25jZQ=="
      ],
      [
        "Sec-WebSocket-Version",
        "13"
      ],
      [
        "Sec-WebSocket-Extensions",
        "permessage-deflate; client_max_window_bits"
      ]
    ],
    "raw": "GET /ws/echo HTTP/1.1\u000d\u000aHost: localhost:8080\u000d\u000aUpgrade: websocket\u000d\u000aConnection: Upgrade\u000d\u000aSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\u000d\u000aSec-WebSocket-Version: 13\u000d\u000aSec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\u000d\u000a\u000d\u000a"
  },
  "response": {
    "line": "HTTP/1.1 101 Switching Protocols",
    "fields": [
      [
        "Upgrade",
        "websocket"
      ],
      [
        "Connection",
        "Upgrade"
      ],
      [
        "Sec-WebSocket-Accept",
        "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
      ],
      [
        "Sec-WebSocket-Extensions",
        "permessage-deflate; server_no_context_takeover; client_max_window_bits=12"
      ]
    ],
    "raw": "HTTP/1.1 101 Switching Protocols\u000d\u000aUpgrade: websocket\u000d\u000aConnection: Upgrade\u000d\u000aSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\u000d\u000aSec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover; client_max_window_bits=12\u000d\u000a\u000d\u000a"
  },
  "checks": [
    {
      "of": "request",
      "ok": true,
      "what": "the method is GET",
      "seen": "GET",
      "reason": "a WebSocket handshake is a GET request",
      "section": "RFC 6455 4.2.1"
    },
    {
      "of": "request",
      "ok": true,
      "what": "HTTP/1.1 or higher",
      "seen": "HTTP/1.1",
      "reason": "a WebSocket handshake needs HTTP/1.1",
      "section": "RFC 6455 4.2.1"
    },
    {
      "of": "request",
      "ok": true,
      "what": "Host is there",
      "seen": "localhost:8080",
      "reason": "the Host field is missing",
      "section": "RFC 6455 4.2.1"
    },
    {
      "of": "request",
      "ok": true,
      "what": "Upgrade names websocket",
      "seen": "websocket",
      "reason": "this URL speaks WebSocket: the request needs Upgrade: websocket",
      "section": "RFC 6455 4.2.1"
    },
    {
      "of": "request",
      "ok": true,
      "what": "Connection names Upgrade",
      "seen": "Upgrade",
      "reason": "the request needs Connection: Upgrade",
      "section": "RFC 6455 4.2.1"
    },
    {
      "of": "request",
      "ok": true,
      "what": "Sec-WebSocket-Version is 13",
      "seen": "13",
      "reason": "the request needs one Sec-WebSocket-Version: 13",
      "section": "RFC 6455 4.2.1"
    },
    {
      "of": "request",
      "ok": true,
      "what": "Sec-WebSocket-Key is 16 bytes in base64",
      "seen": "dGhlIHNhbXBsZSBub25jZQ==",
      "reason": "the request needs one Sec-WebSocket-Key of 16 bytes in base64",
      "section": "RFC 6455 4.2.1"
    },
    {
      "of": "request",
      "ok": true,
      "what": "Sec-WebSocket-Protocol is a list of different tokens",
      "seen": "",
      "reason": "Sec-WebSocket-Protocol is not a list of at most 100 subprotocols, each named once",
      "section": "RFC 6455 4.2.1"
    },
    {
      "of": "request",
      "ok": true,
      "what": "Sec-WebSocket-Extensions is a list of extensions",
      "seen": "permessage-deflate; client_max_window_bits",
      "reason": "Sec-WebSocket-Extensions is not a list of extensions with their parameters",
      "section": "RFC 6455 9.1"
    },
    {
      "of": "request",
      "ok": true,
      "what": "the request has no body",
      "seen": "none",
      "reason": "a WebSocket handshake has no body: leave out Content-Length and Transfer-Encoding",
      "section": "RFC 9110 9.3.1"
    },
    {
      "of": "response",
      "ok": true,
      "what": "the status is 101",
      "seen": "101",
      "reason": "the status should be 101, but the server answered with status 101",
      "section": "RFC 6455 4.1"
    },
    {
      "of": "response",
      "ok": true,
      "what": "Upgrade is websocket",
      "seen": "websocket",
      "reason": "the answer lacks Upgrade: websocket",
      "section": "RFC 6455 4.1"
    },
    {
      "of": "response",
      "ok": true,
      "what": "Connection names Upgrade",
      "seen": "Upgrade",
      "reason": "the answer lacks Connection: Upgrade",
      "section": "RFC 6455 4.1"
    },
    {
      "of": "response",
      "ok": true,
      "what": "Sec-WebSocket-Accept is the key's",
      "seen": "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=",
      "reason": "Sec-WebSocket-Accept should be s3pPLMBiTxaQ9kYGzzhZRbK+xOo=",
      "section": "RFC 6455 4.2.2"
    },
    {
      "of": "response",
      "ok": true,
      "what": "the subprotocol was offered",
      "seen": "",
      "reason": "the server chose a subprotocol that was not offered",
      "section": "RFC 6455 4.1"
    },
    {
      "of": "response",
      "ok": true,
      "what": "the extensions were offered",
      "seen": "permessage-deflate; server_no_context_takeover; client_max_window_bits=12",
      "reason": "the server chose an extension that was not offered",
      "section": "RFC 6455 4.1"
    },
    {
      "of": "response",
      "ok": true,
      "what": "permessage-deflate answers the offer",
      "seen": "permessage-deflate; server_no_context_takeover; client_max_window_bits=12",
      "reason": "the server chose parameters of permessage-deflate that the offer does not allow",
      "section": "RFC 7692 7.1"
    }
  ],
  "compression": [
    "The client's messages build on those before (context takeover), in a window of 4096 bytes.",
    "The server compresses each message by itself (no context takeover), in a window of 32768 bytes."
  ],
  "key": "dGhlIHNhbXBsZSBub25jZQ==",
  "guid": "258EAFA5-E914-47DA-95CA-C5AB0DC85B11",
  "accept": "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=",
  "acceptComputed": "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=",
  "acceptOK": true
} satisfies HandshakeDetail;
