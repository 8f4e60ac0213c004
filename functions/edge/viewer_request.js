// CloudFront viewer-request function: which object does this request mean?
//
// 1. Only canonical paths pass. Every other spelling (capitals, percent signs, double slashes, dot segments, "~",
//    an explicit index.html) becomes MISSING, so it gets the site's ordinary 404 page and no decoder further on can
//    turn it into the key of something hidden.
// 2. The session cookie is verified, and /articles/<slug>/... is rewritten to the variant of the reader's tier.
//    A bad, expired or forged cookie is a public reader, never an error.
// 3. /signin/?session=<token> stores a valid token as the session cookie.
//
// The language is what njs accepts (no destructuring, spread, default parameters, classes, for-of or optional
// chaining). There are no template literals either: the code is embedded in a CloudFormation Sub.

import crypto from 'crypto';

// Key id -> secret; the build puts a reference to the EdgeKey secret in the placeholder. To change the key without
// signing anybody out, let two stand here for one session lifetime: {"1": old, "2": new}.
const KEYS = {"1": "@@EDGE_KEY@@"};

const COOKIE = '__Host-session';
const DEFAULT_TIER = 'public';
const MISSING = '/~missing'; // no object ever has this key
const TOKEN_LIMIT = 1024;
const SIGNATURES_LIMIT = 8; // how many signatures one request may make us compute

// Patterns look for one character that may not be there. A pattern with "$" would, in some engines, let a final
// newline pass.
function isPath(path) {
    return path.length <= 1024 && path.charAt(0) === '/' && !/[^a-z0-9._\/-]/.test(path) &&
        path.indexOf('//') < 0 && !/\/\.\.?(\/|$)/.test(path) && !/\/index\.html$/.test(path);
}

function isTier(tier) {
    return typeof tier === 'string' && tier.length <= 32 && /^[a-z]/.test(tier) && !/[^a-z0-9-]/.test(tier);
}

// The time taken does not tell how much of the signature was right.
function equalInConstantTime(a, b) {
    let difference = a.length ^ b.length;
    for (let i = 0; i < a.length; i++) {
        difference |= a.charCodeAt(i) ^ b.charCodeAt(i % b.length);
    }
    return difference === 0;
}

// The secret of a key id, or '' for an unknown id. A placeholder or an unresolved reference is no secret: everybody
// can read it.
function secretOf(kid) {
    const secret = Object.prototype.hasOwnProperty.call(KEYS, kid) ? KEYS[kid] : '';
    return secret.length >= 32 && !/[^A-Za-z0-9_-]/.test(secret) ? secret : '';
}

// The parts of a token that is worth computing a signature for, else null.
function partsOf(token) {
    if (typeof token !== 'string' || token.length > TOKEN_LIMIT || /[^A-Za-z0-9._-]/.test(token)) {
        return null;
    }
    const parts = token.split('.');
    return parts.length === 3 && parts[1] && parts[2].length === 43 && secretOf(parts[0]) ? parts : null;
}

// The claims of a token that holds for this path now, else null.
function claimsOf(parts, path) {
    const signed = parts[0] + '.' + parts[1];
    const signature = crypto.createHmac('sha256', secretOf(parts[0])).update(signed).digest('base64url');
    if (!equalInConstantTime(signature, parts[2])) {
        return null;
    }
    let claims = null;
    try {
        claims = JSON.parse(Buffer.from(parts[1], 'base64url').toString());
    } catch (error) {
        return null;
    }
    if (claims === null || typeof claims !== 'object' || !isTier(claims.t) || typeof claims.s !== 'string' ||
        !Number.isInteger(claims.e) || claims.e * 1000 <= Date.now()) {
        return null;
    }
    return claims.p === undefined || claims.p === path ? claims : null;
}

// All values of a cookie or query parameter; CloudFront puts repeated ones in multiValue.
function valuesOf(field) {
    if (!field) {
        return [];
    }
    return field.multiValue ? field.multiValue.map(entry => entry.value) : [field.value];
}

// The first valid token among several, so that a planted cookie cannot displace the real one.
function firstValid(tokens, path) {
    let computed = 0;
    for (let i = 0; i < tokens.length && computed < SIGNATURES_LIMIT; i++) {
        const parts = partsOf(tokens[i]);
        if (parts) {
            computed++;
            const claims = claimsOf(parts, path);
            if (claims) {
                return {token: tokens[i], claims: claims};
            }
        }
    }
    return null;
}

function redirect(code, location) {
    return {
        statusCode: code,
        statusDescription: code === 301 ? 'Moved Permanently' : 'Found',
        headers: {
            'location': {value: location},
            'cache-control': {value: 'no-store'},
            'referrer-policy': {value: 'no-referrer'}
        }
    };
}

// The landing of a sign-in link. The token goes into the cookie and leaves the URL.
function signIn(query) {
    // Canonical paths need no percent-encoding but for the slash; after this one step isPath refuses all others.
    const target = String(valuesOf(query.return_to)[0] || '/').replace(/%2f/gi, '/');
    const session = firstValid(valuesOf(query.session), '/signin/');
    if (!session) {
        return redirect(302, '/');
    }
    const response = redirect(302, isPath(target) ? target : '/');
    const lifetime = session.claims.e - Math.floor(Date.now() / 1000);
    response.cookies = {};
    response.cookies[COOKIE] = {
        value: session.token,
        attributes: 'Path=/; HttpOnly; Secure; SameSite=Lax; Max-Age=' + lifetime
    };
    return response;
}

// The query string as it came; what has no place in a URL is left out.
function queryText(query) {
    const pairs = [];
    Object.keys(query).forEach(name => valuesOf(query[name]).forEach(value => {
        const pair = name + '=' + value;
        if (!/[^A-Za-z0-9._~!$'()*+,;:@\/?%=-]/.test(pair)) {
            pairs.push(pair);
        }
    }));
    return pairs.length ? '?' + pairs.join('&') : '';
}

function handler(event) {
    const request = event.request;
    const path = request.uri;
    const query = request.querystring || {};

    if (!isPath(path)) {
        request.uri = MISSING;
    } else if (request.method !== 'GET' && request.method !== 'HEAD') {
        return request; // the distribution or the origin decides
    } else if (path === '/signin/' && query.session) {
        return signIn(query);
    } else {
        const segments = path.split('/'); // '', 'articles', slug, rest...
        const name = segments[segments.length - 1];
        if (name && name.indexOf('.') < 0) {
            return redirect(301, path + '/' + queryText(query));
        }
        if (segments[1] === 'articles' && segments.length > 3) {
            // A token bound to an article counts for that article's files too.
            const article = '/articles/' + segments[2] + '/';
            const session = firstValid(valuesOf((request.cookies || {})[COOKIE]), article);
            segments.splice(3, 0, '~' + (session ? session.claims.t : DEFAULT_TIER));
        }
        request.uri = segments.join('/') + (name ? '' : 'index.html');
    }

    // Neither may reach the cache key or the origin: the path now says all there is to say.
    request.querystring = {};
    request.cookies = {};
    return request;
}
