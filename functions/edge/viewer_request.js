// CloudFront viewer-request function: which object does this request mean?
//
// 1. Only canonical paths pass. Every other spelling (capitals, percent signs, double slashes, dot segments, "~",
//    an explicit index.html) becomes MISSING, so it gets the site's ordinary 404 page and no decoder further on can
//    turn it into the key of something hidden.
// 2. Tokens in cookies are verified, and /articles/<slug>/... is rewritten to the variant of the reader's tier.
//    A bad, expired or forged cookie is a public reader, never an error.
// 3. A reader whose session has ended and can be renewed goes by way of the API, once, and comes back.
// 4. /signin/?session=<token> becomes a session; ?gift= of an article, and ?preview= of /preview/<slug>/, which nobody
//    else enters, a cookie of that path. An id in place of the token is exchanged by the API. Each leaves the URL.
//
// The language is what njs accepts (no destructuring, spread, default parameters, classes, for-of or optional
// chaining), without template literals: the code is embedded in a CloudFormation Sub.

import crypto from 'crypto';

// Key id -> secret; the build puts references to the secrets in the placeholders. One of them signs, both are believed.
const KEYS = {"1": "@@EDGE_KEY@@", "2": "@@EDGE_KEY_2@@"};

const SESSION = '__Host-session';
const RENEWAL = '__Host-renew';
const LINK = '__Secure-'; // and the kind of link
const DEFAULT_TIER = 'public';
const MISSING = '/~missing'; // no object ever has this key
const TOKEN_LIMIT = 1024;
const LONGEST = 3900; // seconds: a token that claims more is none
const SIGNATURES_LIMIT = 8; // how many signatures one request may make us compute

// Patterns look for one character that may not be there: "$" would, in some engines, let a final newline pass.
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

// The secret of a key id, else ''. A placeholder or an unresolved reference is no secret: everybody can read it.
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

function signature(kid, payload) {
    return crypto.createHmac('sha256', secretOf(kid)).update(kid + '.' + payload).digest('base64url');
}

// The claims of a token that holds for this path now, else null.
function claimsOf(parts, path) {
    if (!equalInConstantTime(signature(parts[0], parts[1]), parts[2])) {
        return null;
    }
    let claims = null;
    try {
        claims = JSON.parse(Buffer.from(parts[1], 'base64url').toString());
    } catch (error) {
        return null;
    }
    if (claims === null || typeof claims !== 'object' || !isTier(claims.t) || typeof claims.s !== 'string' ||
        !Number.isInteger(claims.e) || secondsLeft(claims) <= 0 || secondsLeft(claims) > LONGEST) {
        return null;
    }
    return claims.p === undefined || claims.p === path ? claims : null;
}

function secondsLeft(claims) {
    return claims.e - Math.floor(Date.now() / 1000);
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
                return {kid: parts[0], token: tokens[i], claims: claims};
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

// A redirect that leaves a token in a cookie, for as long as the token holds.
function keep(location, name, token, path, claims) {
    const response = redirect(302, location);
    const attributes = 'Path=' + path + '; HttpOnly; Secure; SameSite=Lax; Max-Age=' + secondsLeft(claims);
    response.cookies = {};
    response.cookies[name] = {value: token, attributes: attributes};
    return response;
}

// The landing of an editor's sign-in link. Its token, which is good for nothing but this page, becomes a session.
function signIn(query) {
    // Canonical paths need no percent-encoding but for the slash; after this one step isPath refuses all others.
    const target = String(valuesOf(query.return_to)[0] || '/').replace(/%2f/gi, '/');
    const link = firstValid(valuesOf(query.session), '/signin/');
    if (!link || !link.claims.p) {
        return redirect(302, '/');
    }
    delete link.claims.p;
    const payload = Buffer.from(JSON.stringify(link.claims)).toString('base64url');
    const token = link.kid + '.' + payload + '.' + signature(link.kid, payload);
    return keep(isPath(target) ? target : '/', SESSION, token, '/', link.claims);
}

// The landing of a gift or preview link. A token that is bound to no path was made for something else.
function land(kind, tokens, place, path) {
    const link = firstValid(tokens, place);
    if (link && link.claims.p) {
        return keep(path, LINK + kind, link.token, place, link.claims);
    }
    const id = String(tokens[0]);
    return redirect(302, id.length === 43 && !/[^A-Za-z0-9_-]/.test(id) ? '/api/' + kind + '/' + id : path);
}

// The reader's variant of an article, or a response that has to come first.
function choose(cookies, query, article, path) {
    const found = firstValid(valuesOf(cookies[LINK + 'gift']), article) || firstValid(valuesOf(cookies[SESSION]), article);
    if (query.renewed) { // the API has been asked
        return found ? redirect(302, path) : DEFAULT_TIER;
    }
    if (!found && valuesOf(cookies[RENEWAL]).some(value => /^[0-9a-f]{32}\.[A-Za-z0-9_-]{43}/.test(value))) {
        return redirect(302, '/api/session/renew?return_to=' + path);
    }
    return found ? found.claims.t : DEFAULT_TIER;
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
        const place = segments.slice(0, 3).join('/') + '/'; // a token bound to it counts for what lies below, too
        const cookies = request.cookies || {};
        let entered = true;
        if (segments[1] === 'articles' && segments.length > 3) {
            const chosen = query.gift ? land('gift', valuesOf(query.gift), place, path) :
                choose(cookies, query, place, path);
            if (typeof chosen !== 'string') {
                return chosen;
            }
            segments.splice(3, 0, '~' + chosen);
        } else if (segments[1] === 'preview') {
            if (query.preview) {
                return land('preview', valuesOf(query.preview), place, path);
            }
            const link = firstValid(valuesOf(cookies[LINK + 'preview']), place);
            entered = link !== null && link.claims.p !== undefined;
        }
        request.uri = entered ? segments.join('/') + (name ? '' : 'index.html') : MISSING;
    }

    // Neither may reach the cache key or the origin: the path now says all there is to say.
    request.querystring = {};
    request.cookies = {};
    return request;
}
