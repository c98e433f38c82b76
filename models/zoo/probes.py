"""Sentences of our own whose attention is kept for every epoch of every shipped classifier.

They are part of how a classifier was made: the card of each one holds what it paid to them, so a
text, once trained with, is not reworded.
"""

from __future__ import annotations

from typing import Final

PROBES: Final[dict[str, tuple[str, ...]]] = {
    "sst2": (
        "The film is not bad, but it never quite comes alive.",
        "A tender, funny and quietly devastating portrait of two sisters.",
        "I wanted to love it, and for ten minutes I did.",
        "Nobody involved seems to have noticed how dull this is.",
    ),
    "ag_news": (
        "Central bank raises interest rates as oil prices climb for a third week.",
        "The striker scored twice in extra time to send her club to the final.",
        "Engineers unveil a chip that lets phones run satellite maps offline.",
        "Thousands march in the capital after the government postpones elections.",
    ),
    "imdb": (
        "I expected very little from this one. The first half drags, the jokes are old and the music is worse, "
        "yet somewhere after the train scene it finds its feet, and by the end I was honestly moved.",
        "Great cast, great photography, great costumes. What a pity that nobody remembered to write a story.",
    ),
    "sst5": (
        "The film is not bad, but it never quite comes alive.",
        "It is neither better nor worse than the poster promises.",
        "An astonishing, generous film, and easily the best thing she has ever done.",
    ),
    "amazon_electronics": (
        "Sounds great, looks great, and died after three weeks. The seller never answered my emails.",
        "I almost returned this keyboard because the box was crushed. I am glad I did not: it is quiet, solid and "
        "paired with my tablet in ten seconds.",
        "The radio works as described. The manual is useless, but who reads manuals?",
    ),
    "newsgroups20": (
        "Does anybody know why the driver hangs when I plug a second monitor into the card? I have tried both slots.",
        "The goalie was screened on the first goal, but the second one he simply has to stop.",
        "If the key is held by two agencies, who makes sure that they do not read my mail on a quiet afternoon?",
    ),
    "tweet_sentiment": (
        "Can't wait to see @user play on Friday, best band of the summer!",
        "The bus timetable for the holidays is out: http",
        "Third time this week my train is cancelled. Thanks for nothing, @user",
    ),
    "tweet_emotion": (
        "Somebody keyed my car again and drove off. I am shaking #furious",
        "One exam left. It will be fine, it always is. #almostthere",
        "The house is so quiet without the dog.",
    ),
    "semeval2010_task8": (
        "The <e1> flood </e1> was caused by a broken <e2> dam </e2> upstream.",
        "She found the old <e1> letters </e1> in a tin <e2> box </e2> under the stairs.",
        "The <e1> handle </e1> of the blue <e2> jug </e2> has been glued twice.",
    ),
    "convote_party": (
        "mr. speaker , i rise in opposition to this bill , because it cuts the very programs on which working families "
        "in my district depend .",
        "mr. speaker , this bill lets small businesses keep more of what they earn , and it takes the government out "
        "of their way .",
        "i thank the gentleman for yielding , and i yield back the balance of my time .",
    ),
    "covid_fake_news": (
        "Drinking hot lemon water every morning kills the virus within an hour, doctors admit.",
        "Our daily update is out: states reported 41,000 tests and 380 new cases today. http",
        "A hospital did not run out of beds last night, whatever the video says.",
    ),
    "liar": (
        "Says our state has lost more factory jobs than any other in the last ten years.",
        "Nine out of ten teachers pay for school supplies out of their own pockets.",
        "The senator voted to raise taxes on the middle class forty times.",
    ),
    "weibo_rumor": (
        "紧急扩散！刚才有个小女孩在火车站走丢了，穿红色外套，请大家帮忙转发，看到的马上联系她妈妈！",
        "今天下班路上遇到一只橘猫，跟着我走了整整两条街[哈哈]",
        "【提醒】专家说，隔夜的西瓜千万不能吃，一口就会中毒，快告诉家人！",
    ),
    "trec": (
        "Who painted the ceiling that took four years to finish ?",
        "How many bones does a grown cat have ?",
        "What does the abbreviation on the back of a banknote stand for ?",
    ),
    "chnsenticorp": (
        "房间不大，但是很干净，服务员也特别热情，下次还会住这里。",
        "位置确实方便，可惜隔音太差，半夜被楼道里的说话声吵醒了三次。",
        "前台等了四十分钟才办好入住，早餐又冷又少，实在不值这个价钱。",
    ),
    "thucnews_titles": (
        "女排姑娘苦战五局逆转取胜 时隔六年重返决赛",
        "央行再次下调利率 三家银行股价齐涨",
        "高考作文题公布 老师称今年题目不难写",
    ),
    "weibo_covid_emotion": (
        "谢谢你们，平安回来！",
        "昨天还在一起吃饭，今天人就没了……",
        "排队两个小时，轮到我居然说口罩卖完了，气死我了",
    ),
}
