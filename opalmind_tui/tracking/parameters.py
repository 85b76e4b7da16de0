"""The parameters of Matomo's Tracking HTTP API, in words. One table.

Source: https://developer.matomo.org/api-reference/tracking-api
"""

from __future__ import annotations

import re

_TABLE = """
idsite|site id
rec|record this hit
action_name|title
url|address of the page
_id|visitor id
rand|random number against caches
apiv|version of the API
urlref|address of the page before
res|screen resolution
h|hour, local time
m|minute, local time
s|second, local time
fla|has Flash
java|has Java
dir|has Director
qt|has QuickTime
realp|has RealPlayer
pdf|shows PDF
wma|has Windows Media
gears|has Gears
ag|has Silverlight
cookie|takes cookies
ua|user agent
uadata|client hints
lang|language
uid|user id
cid|visitor id (forced)
new_visit|begin a new visit
cvar|custom variables of the page
_cvar|custom variables of the visit
_idvc|number of visits
_idts|first visit
_viewts|visit before
_rcn|campaign
_rck|campaign keyword
_ref|address that led to the conversion
_refts|when that address led here
_ects|order before
link|link to another site
download|downloaded file
search|search word on the site
search_cat|search category
search_count|number of search results
pv_id|page view id
idgoal|goal id (0: an order)
revenue|revenue
gt_ms|time to make the page, ms
cs|character set
ca|custom action
pf_net|network time, ms
pf_srv|server time, ms
pf_tfr|transfer time, ms
pf_dm1|time until the page can be used, ms
pf_dm2|time until the page is complete, ms
pf_onl|time of the page's own scripts, ms
e_c|event category
e_a|event action
e_n|event name
e_v|event value
c_n|content name
c_p|content piece
c_t|content target
c_i|content interaction
ec_id|order id
ec_items|items of the order
ec_st|subtotal
ec_tx|tax
ec_sh|shipping
ec_dt|discount
_pkc|product category
_pkp|product price
_pks|product number
_pkn|product name
token_auth|token
cip|IP address of the visitor
cdt|when it happened
cdo|seconds since it happened
country|country
region|region
city|city
lat|latitude
long|longitude
queuedtracking|use Matomo's own queue
send_image|answer with an image
ping|heartbeat
bots|count bots
debug|debug
recMode|mode of recording bots
http_status|HTTP status of the page
bw_bytes|bytes sent
source|where the hit comes from
icm|content impressions together
ma_id|media id
ma_ti|media title
ma_re|media address
ma_mt|media type
ma_pn|media player
ma_st|seconds played
ma_le|length of the media, s
ma_ps|position in the media, s
ma_ttp|seconds until it played
ma_w|media width
ma_h|media height
ma_fs|media in full screen
ma_se|parts of the media that were played
fa_vid|form view id
fa_id|form id
fa_name|form name
fa_fv|form was viewed
fa_st|form was begun
fa_su|form was submitted
fa_co|form was converted
fa_fields|fields of the form
fa_ef|first field of the form
fa_lf|last field of the form
fa_ts|time in the form, ms
fa_hes|hesitation before the form, ms
hsr_vid|heatmap or recording: view id
hsr_ids|heatmap or recording: ids
hsr_ev|heatmap or recording: events
hsr_smp|heatmap or recording: sampled
cra|crash message
cra_tp|crash type
cra_ct|crash category
cra_st|crash stack
cra_ru|crash address
cra_rl|crash line
cra_rc|crash column
"""
MEANINGS: dict[str, str] = dict(line.split("|", 1) for line in _TABLE.strip().splitlines())
"""What each parameter is."""
PERSONAL = frozenset({"cip", "uid", "cid", "_id", "lat", "long"})
"""Parameters that may tell who the visitor is: shown when somebody asks for them on purpose."""
SECRET = frozenset({"token_auth"})
"""Parameters that are never shown."""
_DIMENSION = re.compile(r"dimension([0-9]{1,3})")


def meaning_of(name: str) -> str:
    """What a parameter is, in words; empty where Matomo has none of this name."""
    if found := _DIMENSION.fullmatch(name):
        return f"custom dimension {found[1]}"
    return MEANINGS.get(name, "")
