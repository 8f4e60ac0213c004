// CloudFront viewer-response function: applies an object's status metadata, and sets the headers for browsers.
//
// CloudFront runs it for cached responses too, but not if the origin answered with status 400 or above.
// For the subset of JavaScript that njs supports, see viewer_request.js.

function headerValue(headers, name) {
    return headers[name] ? headers[name].value : '';
}

// Metadata "status" is 410 for a withdrawn article, 301 with a "location" for an alias, and 302 for the preview of an
// article that has been published since.
function applyStatus(response, status, location) {
    const headers = response.headers;
    if (/^30[12]/.test(status) && status.length === 3 && location.charAt(0) === '/' &&
        !/[^a-z0-9._\/-]|\/\//.test(location)) {
        response.statusCode = Number(status);
        response.statusDescription = status === '301' ? 'Moved Permanently' : 'Found';
        headers['location'] = {value: location};
    } else {
        // Never show an object whose metadata is unknown as a page.
        response.statusCode = status === '410' ? 410 : 404;
        response.statusDescription = status === '410' ? 'Gone' : 'Not Found';
    }
    delete headers['content-range'];
}

// Invalidations reach CloudFront only. Browsers and other proxies must revalidate, so the lifetimes for the shared
// cache are removed.
function viewerCacheControl(path, value, immutable) {
    if (path.indexOf('/preview/') === 0) {
        return 'no-store';
    }
    if (path.indexOf('/articles/') === 0) {
        // An image's name contains the digest of its bytes. Anyone may keep one that every reader sees; one that is gated, only
        // the reader who got it.
        if (immutable && /\.public\.[a-z0-9]+$/.test(path)) {
            return value;
        }
        if (immutable) {
            return 'private, max-age=31536000, immutable';
        }
        // One URL has a variant for each tier. A browser may store its reader's variant but must revalidate it: the
        // ETags differ, so signing in or out takes effect at once, and an unchanged page costs a 304.
        return 'private, no-cache';
    }
    return value.split(',').map(part => part.trim())
        .filter(part => part && !/^(s-maxage|stale-while-revalidate|stale-if-error)\b/i.test(part)).join(', ');
}

// Return the query of a request for a moved address, which goes on to the new one. CloudFront may show this function the
// request as the viewer sent it or as viewer_request.js returned it.
function queryOf(request, path) {
    if (request.headers && request.headers['x-query']) {
        return safePairs(request.headers['x-query'].value.replace(/^\?/, '').split('&'), path);
    }
    const query = request.querystring || {};
    const pairs = [];
    Object.keys(query).forEach(name => (query[name].multiValue || [query[name]])
        .forEach(each => pairs.push(name + '=' + each.value)));
    return safePairs(pairs, path);
}

// What identified the old address, and what opens a page, is not part of the new address.
function safePairs(pairs, path) {
    const kept = pairs.filter(pair => pair.indexOf('=') > 0 && pair.length < 1024 &&
        !/[^A-Za-z0-9._~!$'()*+,;:@\/?%=-]/.test(pair) && !/^(gift|preview|renewed|session)=/.test(pair) &&
        (path.indexOf('~3f') < 0 || /^(utm_[a-z]+|[a-z]*clid)=/.test(pair)));
    return kept.length ? '?' + kept.join('&') : '';
}

function handler(event) {
    const response = event.response;
    const headers = response.headers;
    const path = event.request.uri;
    const status = headerValue(headers, 'x-amz-meta-status');
    const location = headerValue(headers, 'x-amz-meta-location');

    // Do not expose storage details (version ids, digests, cache tags). CloudFront itself sets x-amz-cf-*.
    Object.keys(headers).forEach(name => {
        if (name.indexOf('x-amz-') === 0 && name.indexOf('x-amz-cf-') !== 0) {
            delete headers[name];
        }
    });

    if (status && response.statusCode >= 200 && response.statusCode < 300) {
        applyStatus(response, status, location);
        if (response.statusCode === 301) {
            headers['location'].value += queryOf(event.request, path);
        }
        if (response.statusCode === 302) { // the article is public now
            const attributes = 'Path=/preview/' + path.split('/')[2] + '/; HttpOnly; Secure; SameSite=Lax; Max-Age=0';
            response.cookies = {'__Secure-preview': {value: '', attributes: attributes}};
        }
    }

    // CloudFront compresses application/json, but not the type that readers get.
    if (path === '/feed.json' && headerValue(headers, 'content-type').indexOf('application/json') === 0) {
        headers['content-type'] = {value: 'application/feed+json; charset=utf-8'};
    }

    const found = response.statusCode === 200 || response.statusCode === 206 || response.statusCode === 304;
    const stored = headerValue(headers, 'cache-control');
    const immutable = found && !status && /\bimmutable\b/.test(stored);
    const cacheControl = viewerCacheControl(path, stored, immutable);
    if (cacheControl) {
        headers['cache-control'] = {value: cacheControl};
    } else {
        delete headers['cache-control'];
    }
    if (path.indexOf('/articles/') === 0 && !immutable) {
        const vary = headerValue(headers, 'vary');
        headers['vary'] = {value: vary ? vary + ', Cookie' : 'Cookie'};
    }
    return response;
}
