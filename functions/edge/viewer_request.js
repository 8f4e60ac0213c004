// CloudFront viewer-request function: maps a request to an object of the site bucket.
//
// 1. Accept canonical paths only. Any other spelling (capitals, percent signs, "~", index.html) and a query by which other
//    systems distinguish pages become a key below /~old/, where there are only redirects; double slashes, dot segments
//    and the rest become MISSING. So nothing downstream can decode a path into the key of a hidden object.
// 2. Verify the tokens in cookies, and rewrite /articles/<slug>/... to the variant of the reader's tier.
//    A reader with an invalid, expired or forged cookie is a public reader, never an error.
// 3. Redirect a reader whose session has expired but can be renewed to the API, once; it redirects back.
// 4. Turn /signin/?session=<token> into a session, and ?gift= on an article or ?preview= on /preview/<slug>/ into a
//    cookie for that path; previews require it. The API exchanges an id for a token. All leave the URL.
//
// njs supports no destructuring, spread, default parameters, classes, for-of or optional chaining. Template literals
// would be read by the CloudFormation Sub in which the code is embedded.

import crypto from 'crypto';

// Key id -> secret; the build replaces the placeholders with references. One key signs, both verify.
const KEYS = {"1": "@@EDGE_KEY@@", "2": "@@EDGE_KEY_2@@"};

const SESSION = '__Host-session';
const RENEWAL = '__Host-renew';
const DEFAULT_TIER = 'public';
const MISSING = '/~missing'; // no object has this key
const TOKEN_LIMIT = 1024;
const MAX_LIFETIME = 3900; // seconds; a token valid for longer is refused
const SIGNATURES_LIMIT = 8; // HMACs computed per request

// The same patterns as in domain/old_addresses.py
const INVALID = /[\x00-\x1f\x7f\\#]|\/\/|\/\.\.?(\/|$)/;
const SCRIPT = /\.(php[0-9]?|aspx?|jsp|cfm|cgi|pl|do|dll)$/;
const WITH_QUERY = /\/$|\/[^.\/]+$|\.(s?html?|php[0-9]?|aspx?|jsp|cfm|cgi|pl|do|dll)$/;
const SECTIONS = /^\/(about|account|api|archive|articles|assets|authors|corrections|membership|newsletter|preview|process|search|signin|topics|updates)(\/|$)/;
const ID = /^(p|q|(page|post|article|story|news|item|node|entry|content|doc|attachment)?_?id|[ant]id|post|article|story|news|item|node|entry)$/;
const IGNORED = /^(utm_.*|[a-z]*clid|ref|gift|preview|renewed|session)$/;
const ARTICLE = /^\/articles\/([a-z0-9-]+\/?|[a-z0-9-]+\/[^\/]+)?$/;
const FOR_ALL = /\.public\.[a-z0-9]+$/; // a file that every reader may see, stored once
const PAGE_FILE = /\.(s?html?|php[0-9]?|aspx?|jsp|cfm|cgi|pl|do|dll)$/;

// Patterns search for a forbidden character, because "$" matches before a final newline in some engines.
function isPath(path) {
    return path.length <= 1024 && path.charAt(0) === '/' && !/[^a-z0-9._\/-]/.test(path) &&
        path.indexOf('//') < 0 && !/\/\.\.?(\/|$)/.test(path) && !/\/index\.html$/.test(path);
}

function isTier(tier) {
    return typeof tier === 'string' && tier.length <= 32 && /^[a-z]/.test(tier) && !/[^a-z0-9-]/.test(tier);
}

// Takes the same time wherever the strings differ.
function equalInConstantTime(a, b) {
    let difference = a.length ^ b.length;
    for (let i = 0; i < a.length; i++) {
        difference |= a.charCodeAt(i) ^ b.charCodeAt(i % b.length);
    }
    return difference === 0;
}

// Return the secret of a key id, or ''. Placeholders and unresolved references are public, so they are not secrets.
function secretOf(kid) {
    const secret = Object.prototype.hasOwnProperty.call(KEYS, kid) ? KEYS[kid] : '';
    return secret.length >= 32 && !/[^A-Za-z0-9_-]/.test(secret) ? secret : '';
}

// Return the parts of a token if it is well formed and its key is known, else null.
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

// Return the claims of a token if it is valid for this path now, else null.
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
        !Number.isInteger(claims.e) || secondsLeft(claims) <= 0 || secondsLeft(claims) > MAX_LIFETIME) {
        return null;
    }
    return claims.p === undefined || claims.p === path ? claims : null;
}

function secondsLeft(claims) {
    return claims.e - Math.floor(Date.now() / 1000);
}

// Return all values of a cookie or query parameter; CloudFront puts repeated ones in multiValue.
function valuesOf(field) {
    if (!field) {
        return [];
    }
    return field.multiValue ? field.multiValue.map(entry => entry.value) : [field.value];
}

// Return the first valid token of several, so that a planted cookie cannot displace the real one.
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

// Redirect, and set a cookie that expires with its token.
function setCookie(location, name, token, path, claims) {
    const response = redirect(302, location);
    const attributes = 'Path=' + path + '; HttpOnly; Secure; SameSite=Lax; Max-Age=' + secondsLeft(claims);
    response.cookies = {};
    response.cookies[name] = {value: token, attributes: attributes};
    return response;
}

// Follow an editor's sign-in link: exchange its token, which is valid on this page only, for a session.
function signIn(query) {
    // Browsers may encode the slash. Canonical paths contain nothing else to decode; isPath refuses the rest.
    const target = String(valuesOf(query.return_to)[0] || '/').replace(/%2f/gi, '/');
    const link = firstValid(valuesOf(query.session), '/signin/');
    if (!link || !link.claims.p) {
        return redirect(302, '/');
    }
    delete link.claims.p;
    const payload = Buffer.from(JSON.stringify(link.claims)).toString('base64url');
    const token = link.kid + '.' + payload + '.' + signature(link.kid, payload);
    return setCookie(isPath(target) ? target : '/', SESSION, token, '/', link.claims);
}

// Follow a gift or preview link; the rest of the query goes along. A token without a path was issued for another purpose.
function followLink(kind, query, scope, path) {
    const tokens = valuesOf(query[kind]);
    const rest = queryText(query, true);
    const link = firstValid(tokens, scope);
    if (link && link.claims.p) {
        return setCookie(path + rest, '__Secure-' + kind, link.token, scope, link.claims);
    }
    const id = String(tokens[0]);
    return redirect(302, id.length === 43 && !/[^A-Za-z0-9_-]/.test(id) ? '/api/' + kind + '/' + id + rest : path + rest);
}

// Return the tier whose variant the reader gets, or a response that must come first.
function chooseVariant(cookies, query, article, path) {
    const found = firstValid(valuesOf(cookies['__Secure-gift']), article) || firstValid(valuesOf(cookies[SESSION]), article);
    if (query.renewed) { // back from the API
        return found ? redirect(302, path + queryText(query, true)) : DEFAULT_TIER;
    }
    if (!found && valuesOf(cookies[RENEWAL]).some(value => /^[0-9a-f]{32}\.[A-Za-z0-9_-]{43}/.test(value))) {
        return redirect(302, '/api/session/renew?return_to=' + path + queryText(query, true).replace('?', '&'));
    }
    return found ? found.claims.t : DEFAULT_TIER;
}

// Return the query string without parameters that contain characters not allowed in a URL.
function queryText(query, left) {
    const pairs = [];
    Object.keys(query).filter(name => !left || !/^(gift|preview|renewed|session|return_to)$/.test(name)).forEach(name => valuesOf(query[name]).forEach(value => {
        const pair = name + '=' + value;
        if (!/[^A-Za-z0-9._~!$'()*+,;:@\/?%=-]/.test(pair)) {
            pairs.push(pair);
        }
    }));
    return pairs.length ? '?' + pairs.join('&') : '';
}

// Remove percent-encoding; the rest as in domain/old_addresses.py. Throws if the encoding is broken.
function decode(text) {
    const plain = decodeURIComponent(text);
    return (plain.normalize ? plain.normalize('NFC') : plain).split('').map(c => c.toLowerCase()).join('');
}

// Write each byte that a key cannot contain as "~" and two digits.
function escape(text) {
    return encodeURIComponent(text).replace(/[!'()*~]/g, c => '%' + c.charCodeAt(0).toString(16)).toLowerCase()
        .replace(/%2f/g, '/').replace(/%/g, '~');
}

// Return the parameters by which other systems distinguish pages, escaped and sorted.
function significant(path, query) {
    if (SECTIONS.test(path) || !WITH_QUERY.test(path)) {
        return [];
    }
    const pairs = [];
    Object.keys(query).forEach(name => valuesOf(query[name]).forEach(value => {
        try {
            pairs.push([decode(name), decode(value)]);
        } catch (error) {
            // ignored, as in the domain
        }
    }));
    const named = pairs.filter(pair => pair[0] && pair[1]);
    const ids = named.filter(pair => ID.test(pair[0]));
    const chosen = ids.length || !SCRIPT.test(path) ? ids : named.filter(pair => !IGNORED.test(pair[0]));
    return chosen.map(pair => escape(pair[0]) + '~3d' + escape(pair[1])).sort();
}

// Return the key of the redirect from an old address. A canonical path has one only with a significant query.
function oldKey(path, query, canonical) {
    try {
        let plain = path.length > 2048 ? '' : decode(path);
        if (plain.charAt(0) !== '/' || INVALID.test(plain)) {
            return MISSING;
        }
        plain = plain.replace(/\/index\.html$/, '/');
        const pairs = significant(plain, query);
        if (!pairs.length && (canonical || SECTIONS.test(plain) && !/^\/ar(chive|ticles)\//.test(plain))) {
            return canonical ? '' : MISSING;
        }
        const name = plain.split('/').pop();
        const key = escape(name && name.indexOf('.') < 0 ? plain + '/' : plain) +
            (pairs.length ? '~3f' + pairs.join('~26') : '');
        return key.length > 900 ? MISSING : '/~old' + key + (key.charAt(key.length - 1) === '/' ? 'index.html' : '');
    } catch (error) {
        return MISSING;
    }
}

function handler(event) {
    const request = event.request;
    const path = request.uri;
    const query = request.querystring || {};
    const reads = request.method === 'GET' || request.method === 'HEAD';
    // Below /articles/ there are articles' pages and images. Other paths there can only be old addresses.
    const canonical = isPath(path) && (path.indexOf('/articles/') !== 0 || ARTICLE.test(path) && !PAGE_FILE.test(path));
    const old = reads ? oldKey(path, query, canonical) : '';

    if (old || !isPath(path)) {
        request.uri = old || MISSING;
    } else if (!reads) {
        return request; // the cache behavior decides
    } else if (path === '/signin/' && query.session) {
        return signIn(query);
    } else {
        const segments = path.split('/'); // '', 'articles', slug, rest...
        const name = segments[segments.length - 1];
        if (name && name.indexOf('.') < 0) {
            return redirect(301, path + '/' + queryText(query));
        }
        const scope = segments.slice(0, 3).join('/') + '/'; // a token for it is valid for all paths below
        const cookies = request.cookies || {};
        let allowed = true;
        if (segments[1] === 'articles' && segments.length > 3) {
            const chosen = FOR_ALL.test(name) ? DEFAULT_TIER : query.gift ? followLink('gift', query, scope, path) :
                chooseVariant(cookies, query, scope, path);
            if (typeof chosen !== 'string') {
                return chosen;
            }
            segments.splice(3, 0, '~' + chosen);
        } else if (segments[1] === 'preview') {
            if (query.preview) {
                return followLink('preview', query, scope, path);
            }
            const link = firstValid(valuesOf(cookies['__Secure-preview']), scope);
            allowed = link !== null && link.claims.p !== undefined;
        }
        request.uri = allowed ? segments.join('/') + (name ? '' : 'index.html') : MISSING;
    }

    // A redirect keeps the query. viewer_response.js finds it here; the origin does not get this header.
    request.headers = request.headers || {};
    delete request.headers['x-query'];
    if (queryText(query, true)) {
        request.headers['x-query'] = {value: queryText(query, true)};
    }
    // The path now identifies the object, so cookies and query must not split the cache.
    request.querystring = {};
    request.cookies = {};
    return request;
}
