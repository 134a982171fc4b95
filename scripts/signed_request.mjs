// A backend that signs its requests (RFC 9421), in Node and with nothing but what Node has.
//
//   node scripts/signed_request.mjs <ledger> <key.pem> <url>          prints what registers the key at POST /v1/keys
//   node scripts/signed_request.mjs <ledger> <key.pem> <url> pay <from> <to> <amount> <currency>
//
// key.pem is an Ed25519 private key: openssl genpkey -algorithm ed25519 -out key.pem

import { createHash, createPrivateKey, createPublicKey, randomUUID, sign } from "node:crypto";
import { readFileSync } from "node:fs";

const [ledger, pem, url, action, ...rest] = process.argv.slice(2);
const privateKey = createPrivateKey(readFileSync(pem));
const { x } = createPublicKey(privateKey).export({ format: "jwk" });

// A key is called by its RFC 7638 thumbprint: the SHA-256 of its JWK's required members, in this order.
const keyId = createHash("sha256").update(`{"crv":"Ed25519","kty":"OKP","x":"${x}"}`).digest("base64url");
const signed = (text) => sign(null, Buffer.from(text), privateKey).toString("base64");

// What proves that the private key is at hand, for this ledger and this purpose alone: five lines.
function registration() {
  const message = `chat-ledger proof of possession v1\n${ledger}\nrequest\n\n${keyId}\n`;
  return { public_key: Buffer.from(x, "base64url").toString("base64"), proof: signed(message) };
}

// One request. What is covered is fixed: a read's method and URL; of a write its type, body and Idempotency-Key too.
async function request(method, path, body) {
  const covered = [["@method", method], ["@target-uri", url + path]];
  const headers = {};
  if (method !== "GET") {
    headers["content-type"] = "application/json";
    headers["content-digest"] = `sha-256=:${createHash("sha256").update(body).digest("base64")}:`;
    headers["idempotency-key"] = randomUUID();
    covered.push(...Object.entries(headers));
  }
  const created = Math.floor(Date.now() / 1000);
  const names = covered.map(([name]) => `"${name}"`).join(" ");
  const parameters = `(${names});created=${created};expires=${created + 60};keyid="${keyId}";tag="chat-ledger"`;
  const base = [...covered, ["@signature-params", parameters]].map(([name, value]) => `"${name}": ${value}`).join("\n");
  headers["signature-input"] = `sig=${parameters}`;
  headers["signature"] = `sig=:${signed(base)}:`;
  const answer = await fetch(url + path, { method, headers, body });
  return answer.json();
}

if (action === "pay") {
  const [from, to, amount, currency] = rest;
  const paid = await request("POST", "/v1/transfers", JSON.stringify({ from, to, amount: Number(amount), currency }));
  console.log(JSON.stringify(paid));
  if (paid.id) console.log(JSON.stringify(await request("GET", `/v1/transfers/${paid.id}`)));
} else {
  console.log(JSON.stringify(registration()));
}
