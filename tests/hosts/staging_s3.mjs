// An S3 server for tests/hosts/staging.py: s3rver, which keeps objects and knows S3's errors, times
// and both address styles, behind AWS' own signer, which checks every signature: s3rver itself does
// not check Signature Version 4. Requests without a signature are refused, as in a private bucket.
//
//   node staging_s3.mjs NODE_MODULES_FOLDER DATA_FOLDER  -> prints "port N"
import { createRequire } from "node:module";
import http from "node:http";

const require = createRequire(process.argv[2] + "/");
const S3rver = require("s3rver");
const { SignatureV4 } = require("@smithy/signature-v4");
const { Sha256 } = require("@aws-crypto/sha256-js");

const region = "eu-west-1";
const keys = { S3RVER: "S3RVER" };

function pairs(search) {
    const query = {};
    for (const [name, value] of new URLSearchParams(search)) query[name] = value;
    return query;
}

function stamp(text) {
    const p = text.match(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/).slice(1).map(Number);
    return new Date(Date.UTC(p[0], p[1] - 1, ...p.slice(2)));
}

function signer(id) {
    return new SignatureV4({
        credentials: { accessKeyId: id, secretAccessKey: keys[id] ?? "nobody's" },
        region, service: "s3", sha256: Sha256, uriEscapePath: false, applyChecksum: false,
    });
}

// Whether the request is signed, and the signature the one that AWS' signer makes.
async function judge(request) {
    const url = new URL(request.url, "http://" + request.headers.host);
    const path = request.url.split("?")[0];
    const query = pairs(url.search);
    const authorization = request.headers.authorization;
    if (authorization) {
        const [, id, scope, names, signature] = authorization.match(
            /Credential=([^/]+)\/(\S+), SignedHeaders=(\S+), Signature=(\S+)$/);
        if (scope.split("/")[1] !== region)
            return { code: "AuthorizationHeaderMalformed", region };
        const headers = {};
        for (const name of names.split(";"))
            headers[name] = request.headers[name];
        const signed = await signer(id).sign(
            { method: request.method, protocol: "http:", hostname: url.hostname, path, query, headers },
            { signingDate: stamp(request.headers["x-amz-date"]),
              signableHeaders: new Set(names.split(";")) });
        return signed.headers.authorization.endsWith("Signature=" + signature)
            ? {} : { code: "SignatureDoesNotMatch" };
    }
    if (query["X-Amz-Signature"]) {
        const signature = query["X-Amz-Signature"];
        const id = query["X-Amz-Credential"].split("/")[0];
        const life = Number(query["X-Amz-Expires"]);
        const date = stamp(query["X-Amz-Date"]);
        const own = Object.fromEntries(
            Object.entries(query).filter(([name]) => !name.startsWith("X-Amz-")));
        // The body's hash goes into the signature, not into the query.
        const apart = new Set(["x-amz-content-sha256"]);
        const signed = await signer(id).presign(
            { method: request.method, protocol: "http:", hostname: url.hostname, path, query: own,
              headers: { host: request.headers.host, "x-amz-content-sha256": "UNSIGNED-PAYLOAD" } },
            { signingDate: date, expiresIn: life, unhoistableHeaders: apart,
              unsignableHeaders: apart });
        return signed.query["X-Amz-Signature"] === signature
            ? {} : { code: "SignatureDoesNotMatch" };
    }
    return { code: "AccessDenied" };
}

const s3 = new S3rver({ silent: true, directory: process.argv[3], serviceEndpoint: "localhost",
                        configureBuckets: [{ name: "plates" }], vhostBuckets: true });
await s3.configureBuckets();
const serve = s3.callback();
const server = http.createServer(async (request, response) => {
    let verdict;
    try {
        verdict = await judge(request);
    } catch (error) {
        verdict = { code: "AuthorizationHeaderMalformed", message: String(error) };
    }
    if (verdict.code) {
        request.resume();
        response.writeHead(verdict.code === "AuthorizationHeaderMalformed" ? 400 : 403,
                           { "Content-Type": "application/xml" });
        response.end(request.method === "HEAD" ? undefined
            : `<?xml version="1.0"?><Error><Code>${verdict.code}</Code><Message>` +
              `${verdict.message ?? "Judged by AWS' own signer."}</Message>` +
              (verdict.region ? `<Region>${verdict.region}</Region>` : "") + "</Error>");
        return;
    }
    serve(request, response);
});
server.listen(0, "127.0.0.1", () => console.log("port " + server.address().port));
