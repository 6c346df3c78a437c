-- nbdev leaves the directive of a Markdown cell (`#| export`) on its first line: keep it out of the page.
function Para(el)
  local c, first = el.content, 1
  while c[first] and c[first].t == "Str" and c[first].text == "#|" do
    local i = first
    while c[i] and c[i].t ~= "SoftBreak" do i = i + 1 end
    first = i + 1
  end
  if first == 1 then return nil end
  local rest = pandoc.List()
  for i = first, #c do rest:insert(c[i]) end
  return #rest > 0 and pandoc.Para(rest) or {}
end

-- A formula in a span of its own, which the style sheet lets scroll where it is wider than the page: display formulas, and long ones in a line.
function Math(el)
  if not FORMAT:match("html") then return nil end
  local classes = {"math", el.mathtype == "DisplayMath" and "display" or "inline"}
  if el.mathtype == "InlineMath" and #el.text > 36 then table.insert(classes, "long") end
  return pandoc.Span({el}, pandoc.Attr("", classes))
end
