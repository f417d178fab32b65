#pragma once

namespace gabor {

// The report's style sheet: system fonts, light and dark by the reader's preference, printable.
inline constexpr const char* kReportCss = R"css(
:root{--bg:#fdfdfc;--fg:#1c1e21;--soft:#667079;--line:#e3e5e8;--card:#fff;--train:#2f6fb4;--val:#c2571a;--right:#2d8a4e;--wrong:#c0392b}
@media (prefers-color-scheme:dark){:root{--bg:#15171a;--fg:#e6e8ea;--soft:#98a2ab;--line:#2e3338;--card:#1c1f23;--train:#6aa9ec;--val:#f0945a;--right:#4cbf78;--wrong:#ee6d5f}}
*{box-sizing:border-box}
body{margin:0;background:var(--bg);color:var(--fg);font:15px/1.5 system-ui,sans-serif}
main{max-width:1020px;margin:0 auto;padding:28px 20px 60px}
h1{font-size:26px;margin:0}
h2{font-size:18px;margin:38px 0 10px;padding-bottom:4px;border-bottom:1px solid var(--line)}
h3{font-size:15px;margin:20px 0 6px}
p{margin:6px 0}
.soft{color:var(--soft)}
.figures{display:flex;flex-wrap:wrap;gap:12px;margin:18px 0 6px}
.figure{background:var(--card);border:1px solid var(--line);border-radius:8px;padding:10px 16px;min-width:140px}
.figure b{display:block;font-size:22px;font-variant-numeric:tabular-nums}
.figure span{color:var(--soft);font-size:13px}
.pair{display:grid;grid-template-columns:repeat(auto-fit,minmax(360px,1fr));gap:16px}
.scroll{overflow-x:auto}
table{border-collapse:collapse;font-variant-numeric:tabular-nums}
th,td{text-align:left;padding:4px 18px 4px 0;border-bottom:1px solid var(--line);vertical-align:top}
th{color:var(--soft);font-weight:600;font-size:13px}
.n{text-align:right}
pre{background:var(--card);border:1px solid var(--line);border-radius:8px;padding:12px 14px;overflow-x:auto;font:13px/1.45 ui-monospace,monospace}
code{font:13px ui-monospace,monospace}
.warn{border-left:3px solid var(--val);padding-left:10px}
svg{width:100%;height:auto;display:block}
svg text{font:12px system-ui,sans-serif;fill:var(--soft)}
svg .title{font-size:14px;font-weight:600;fill:var(--fg)}
svg .end{text-anchor:end}
svg .mid,svg .count{text-anchor:middle}
svg .count{fill:var(--fg)}
svg .onfill{fill:var(--card)}
svg .grid{stroke:var(--line)}
svg path{fill:none;stroke-width:2;stroke-linejoin:round}
svg path.train{stroke:var(--train)}
svg path.val{stroke:var(--val)}
svg circle.train{fill:var(--train)}
svg circle.val{fill:var(--val)}
svg .legend{font-weight:600}
svg text.train{fill:var(--train)}
svg text.val{fill:var(--val)}
svg rect.right{fill:var(--right)}
svg rect.wrong{fill:var(--wrong)}
svg.matrix rect{stroke:var(--line);stroke-width:1}
details summary{cursor:pointer;color:var(--soft)}
@media print{body{background:#fff}}
)css";

}  // namespace gabor
